// A fine-tuned model folder, loaded for prediction or evaluation.
#pragma once

#include <filesystem>
#include <memory>

#include "launch/labelled_setup.h"
#include "launch/run_config.h"
#include "trainer/tasks/sequence_task.h"

namespace bertha {

struct TunedModel {
  // Error{bad_data} when the folder holds no BertForSequenceClassification with its classifier.
  TunedModel(const RunConfig& config, at::Device device);

  bool regression() const { return task->regression(); }
  // The asked length, or what the model can take if that is less.
  int longest(int asked) const;

  std::filesystem::path folder;
  HeadConfig head;
  ModelTokenizer tokenizer;
  std::unique_ptr<SequenceTask> task;
};

}  // namespace bertha
