// The task head of weights that fine-tuning starts from: kept for the same task and labels, else
// left out, so that a fresh one is drawn as for a model without one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/checkpoint/safetensors.h"
#include "trainer/model/bert_config.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

// What is to be trained.
struct TaskHead {
  const LabelledTaskDefinition& definition;
  std::vector<std::string> labels;  // by output; not looked at where outputs are no labels
};

struct HeadVerdict {
  bool kept = true;
  std::string note;  // about the start's head: why not, or what nobody can know; may be empty
  std::vector<std::int64_t> order{};  // which of its outputs is the task's first ...; empty: as is
};
// `start`: of its config.json; `outputs`: of its head's weights. Kept is a head of the same class
// and problem with the same labels, in whatever order. Labels that nobody named are taken for the
// task's where there are as many.
HeadVerdict judge_head(const HeadConfig& start, std::int64_t outputs, const TaskHead& task);

// Takes a head that is not kept out of a model's weights, under our names, and returns what it
// took. A line of the log says the note.
std::vector<std::string> keep_head_of_task(const TaskHead& task,
                                           const std::filesystem::path& folder,
                                           std::vector<NamedTensor>& weights);

}  // namespace bertha
