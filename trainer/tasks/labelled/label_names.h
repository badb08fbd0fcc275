// Names of a task's labels: by number and back; where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "trainer/tasks/labelled/task_options.h"

namespace bertha {

class LabelNames {
 public:
  LabelNames() = default;
  explicit LabelNames(std::vector<std::string> names);

  std::size_t size() const { return names_.size(); }
  const std::vector<std::string>& all() const { return names_; }
  const std::string& name(std::size_t id) const { return names_.at(id); }
  std::optional<std::int32_t> find(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

// Gathers the labels of all splits.
class LabelCollector {
 public:
  void add_training(const std::vector<std::string>& labels);
  void add_other(const std::vector<std::string>& labels);
  // In order. Labels that training lacks are named in a line of the log. Error{bad_data}: fewer
  // than two.
  LabelNames names(const std::string& task, const TaskOptions& options) const;

 private:
  std::set<std::string> training_, other_;
};

// What to do about labels that a model does not know, which knows `names`.
std::string unknown_label_remedy(const std::vector<std::string>& names);

// Error{bad_data} when there is nothing to train on or to validate with. `one_group`: all examples
// share one context, which cannot be split.
void require_examples(const TaskOptions& options, std::size_t train, std::size_t validation,
                      bool one_group);
// Error{bad_data} when the tokenizer leaves nothing of any of a split's examples; `file` has them.
void require_sequences(const std::filesystem::path& file, std::size_t examples,
                       std::size_t sequences);

}  // namespace bertha
