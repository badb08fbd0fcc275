// A fine-tuned model folder, loaded for prediction or evaluation.
#pragma once

#include <filesystem>
#include <memory>

#include "launch/model_tokenizer.h"
#include "launch/run_config.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

struct TunedModel {
  // Error{bad_data} when the folder holds no model of a fine-tuning task with its head;
  // Error{usage} for a task.max_length beyond its positions.
  TunedModel(const RunConfig& config, at::Device device);

  // The labelled examples of a file, cut to what was asked for or to what the model can take; says
  // how many were cut. Error{bad_data}: none of their labels is the model's.
  ExampleSet load(const std::filesystem::path& file, int threads) const;
  // The same of a file to predict, some rows at a time, read as they are asked for; at the end it
  // says how many were cut. The model must outlive it.
  LabelledTaskDefinition::Blocks open(const std::filesystem::path& file, int threads) const;

  std::filesystem::path folder;
  HeadConfig head;
  const LabelledTaskDefinition& definition;
  ModelTokenizer tokenizer;
  TaskOptions options;
  std::unique_ptr<LabelledTask> task;
};

}  // namespace bertha
