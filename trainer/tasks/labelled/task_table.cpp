// One declaration and one row a task; its definition stands in the file of its name.
#include "trainer/tasks/labelled/task_table.h"

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

LabelledTaskDefinition classification_task();
LabelledTaskDefinition multi_label_task();
LabelledTaskDefinition question_answering_task();
LabelledTaskDefinition regression_task();
LabelledTaskDefinition token_classification_task();

const std::vector<LabelledTaskDefinition>& labelled_tasks() {
  static const std::vector<LabelledTaskDefinition> tasks{
      classification_task(), multi_label_task(),          question_answering_task(),
      regression_task(),     token_classification_task(),
  };
  return tasks;
}

namespace {

// As Transformers takes a model without a problem type: one output is a number.
bool suits(const LabelledTaskDefinition& task, const HeadConfig& head) {
  if (head.architecture != head_architecture(task.head)) return false;
  if (task.head != Head::sequence) return true;
  if (!head.problem_type.empty()) return head.problem_type == task.problem_type;
  const bool number = head.label_names.size() == 1;
  return number == (task.outputs == 1);
}

}  // namespace

const LabelledTaskDefinition& find_task(const std::string& name) {
  std::string known;
  for (const auto& task : labelled_tasks()) {
    if (task.name == name) return task;
    known += (known.empty() ? "" : ", ") + task.name;
  }
  throw Error(ErrorKind::usage, fmt::format("task.name = '{}': expected one of {}", name, known));
}

const LabelledTaskDefinition& task_of_model(const HeadConfig& head, const std::string& wanted,
                                            const std::string& folder) {
  const LabelledTaskDefinition* found = nullptr;
  for (const auto& task : labelled_tasks()) {
    if (!suits(task, head)) continue;
    if (task.name == wanted) return task;
    if (!found) found = &task;
  }
  if (!found) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} holds a {}, not a fine-tuned model", folder, head.architecture),
                "fine-tune it first: bertha finetune --train.init ...");
  }
  if (!wanted.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("{} is a model for {}, not for {}", folder, found->name, wanted),
                "leave task.name out, or name another model");
  }
  return *found;
}

}  // namespace bertha
