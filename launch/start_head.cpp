// Compares classes, problems and labels.
#include "launch/start_head.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/exported_weights.h"
#include "trainer/model/default_labels.h"

namespace bertha {
namespace {

constexpr std::string_view kClassifier = "classifier.", kQuestion = "qa_outputs.";

bool is_of_task_head(const NamedTensor& weight) {
  return weight.name.starts_with(kClassifier) || weight.name.starts_with(kQuestion);
}

// Rows of the dense layer; 0 where there is none.
std::int64_t outputs_of(const std::vector<NamedTensor>& weights) {
  for (const auto& [name, tensor] : weights) {
    const bool dense = name == "classifier.weight" || name == "qa_outputs.weight";
    if (dense && tensor.dim() > 0) return tensor.size(0);
  }
  return 0;
}

// What config.json says; where it names no class of a task, the weights do.
HeadConfig head_config(const std::filesystem::path& folder,
                       const std::vector<NamedTensor>& weights) {
  auto head = read_head_config(folder / "config.json");
  for (const char* other :
       {"BertModel", "BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction"}) {
    if (head.architecture != other) continue;
    std::vector<std::string> names;
    for (const auto& weight : weights) names.push_back(weight.name);
    head.architecture = class_of_names(names);
    break;
  }
  return head;
}

std::string counted_labels(const std::vector<std::string>& names) {
  return fmt::format("{} label{} ({})", names.size(), names.size() == 1 ? "" : "s",
                     excerpt_list(names));
}

// Where each of the task's labels stands among `names`; empty: they are others.
std::vector<std::int64_t> order_of(const std::vector<std::string>& names,
                                   const std::vector<std::string>& labels) {
  if (names.size() != labels.size()) return {};
  std::vector<std::int64_t> order;
  for (const auto& label : labels) {
    const auto found = std::ranges::find(names, label);
    if (found == names.end()) return {};
    order.push_back(found - names.begin());
  }
  return order;
}

HeadVerdict judge_labels(const std::vector<std::string>& names, const TaskHead& task) {
  if (names == task.labels) return {};
  if (auto order = order_of(names, task.labels); !order.empty()) {
    return {true, "its classifier's labels are put into the order of the task's", std::move(order)};
  }
  const bool same_count = names.size() == task.labels.size();
  const auto unnamed = default_label_names(static_cast<std::int64_t>(names.size()));
  if (same_count && names == unnamed) {
    return {true, fmt::format("its classifier's labels have no names ({}): it is kept for {}, in "
                              "this order",
                              excerpt_list(names), excerpt_list(task.labels))};
  }
  return {false, fmt::format("its classifier has {}, the task has {}", counted_labels(names),
                             counted_labels(task.labels))};
}

}  // namespace

HeadVerdict judge_head(const HeadConfig& start, std::int64_t outputs, const TaskHead& task) {
  const auto& definition = task.definition;
  const std::string wanted = head_architecture(definition.head);
  if (start.architecture != wanted) {
    return {false, fmt::format("its head is that of a {}, the task's is that of a {}",
                               start.architecture, wanted)};
  }
  // Transformers may leave the problem to the labels; ours of words and questions have none.
  const bool both_say = !start.problem_type.empty() && !definition.problem_type.empty();
  if (both_say && start.problem_type != definition.problem_type) {
    return {false,
            fmt::format("its head is for {}, the task is {}", start.problem_type, definition.name)};
  }
  if (definition.outputs > 0) {
    if (outputs == definition.outputs) return {};
    return {false,
            fmt::format("its head has {} outputs, the task's has {}", outputs, definition.outputs)};
  }
  const bool named = static_cast<std::int64_t>(start.label_names.size()) == outputs;
  return judge_labels(named ? start.label_names : default_label_names(outputs), task);
}

std::vector<std::string> keep_head_of_task(const TaskHead& task,
                                           const std::filesystem::path& folder,
                                           std::vector<NamedTensor>& weights) {
  if (std::none_of(weights.begin(), weights.end(), is_of_task_head)) return {};
  const auto verdict = judge_head(head_config(folder, weights), outputs_of(weights), task);
  if (verdict.kept) {
    if (!verdict.note.empty()) log_info("start: " + verdict.note);
    if (!verdict.order.empty()) {
      const auto order = at::tensor(verdict.order, at::kLong);
      for (auto& weight : weights) {
        if (is_of_task_head(weight)) weight.tensor = weight.tensor.index_select(0, order);
      }
    }
    return {};
  }
  log_info(fmt::format("start: {}: a new one is drawn", verdict.note));
  std::vector<std::string> left_out;
  for (const auto& weight : weights) {
    if (is_of_task_head(weight)) left_out.push_back(weight.name);
  }
  std::erase_if(weights, is_of_task_head);
  return left_out;
}

}  // namespace bertha
