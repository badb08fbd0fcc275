// A fine-tuned model folder, loaded for prediction or evaluation.
#pragma once

#include <filesystem>
#include <memory>

#include "launch/model_tokenizer.h"
#include "launch/run_config.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

struct TunedModel {
  // Error{bad_data} when the folder holds no model of a fine-tuning task with its head.
  TunedModel(const RunConfig& config, at::Device device);

  // The examples of a file, cut to what was asked for or to what the model can take.
  ExampleSet load(const std::filesystem::path& file, bool labelled, int threads) const;

  std::filesystem::path folder;
  HeadConfig head;
  const LabelledTaskDefinition& definition;
  ModelTokenizer tokenizer;
  TaskOptions options;
  std::unique_ptr<LabelledTask> task;
};

}  // namespace bertha
