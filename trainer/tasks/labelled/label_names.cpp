// Labels in a fixed order, and what is said about odd ones.
#include "trainer/tasks/labelled/label_names.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {

LabelNames::LabelNames(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    ids_.emplace(names_[i], static_cast<std::int32_t>(i));
  }
}

std::optional<std::int32_t> LabelNames::find(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

void LabelCollector::add_training(const std::vector<std::string>& labels) {
  training_.insert(labels.begin(), labels.end());
}

void LabelCollector::add_other(const std::vector<std::string>& labels) {
  other_.insert(labels.begin(), labels.end());
}

LabelNames LabelCollector::names(const std::string& task, const TaskOptions& options) const {
  if (training_.size() < 2) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} has {} label(s); {} needs two or more", options.train.string(),
                            training_.size(), task),
                "check task.label_column, and task.label_delimiter of several labels");
  }
  std::vector<std::string> unseen;
  std::set_difference(other_.begin(), other_.end(), training_.begin(), training_.end(),
                      std::back_inserter(unseen));
  if (!unseen.empty()) {
    log_info(fmt::format("labels that training has no example of, but validation or test has: {}",
                         excerpt_list(unseen)));
  }
  std::vector<std::string> all(training_.begin(), training_.end());
  all.insert(all.end(), unseen.begin(), unseen.end());
  return LabelNames(distinct_labels(all));
}

std::string unknown_label_remedy(const std::vector<std::string>& names) {
  return fmt::format(
      "it knows {} (id2label of its config.json): name labels there as in the data, or in the data "
      "as there",
      excerpt_list(names));
}

void require_examples(const TaskOptions& options, std::size_t train, std::size_t validation,
                      bool one_group) {
  if (train > 0 && validation > 0) return;
  if (one_group && train + validation > 1) {
    throw Error(
        ErrorKind::bad_data,
        fmt::format("{}: all {} questions share one context, and those of a context are not "
                    "split: {} to train on, {} to validate with",
                    options.train.string(), train + validation, train, validation),
        "give a validation file (--task.validation), or questions on other contexts");
  }
  throw Error(ErrorKind::bad_data,
              fmt::format("{} leaves {} training and {} validation examples",
                          options.train.string(), train, validation),
              "give more examples, a validation file, or another task.validation_fraction");
}

void require_sequences(const std::filesystem::path& file, std::size_t examples,
                       std::size_t sequences) {
  if (sequences > 0) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: the tokenizer leaves nothing of any of {} example(s)", file.string(),
                          examples),
              "check task.text_column; control characters and signs without width are dropped");
}

}  // namespace bertha
