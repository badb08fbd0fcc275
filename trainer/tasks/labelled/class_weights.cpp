// Counts labels, or reads what was given.
#include "trainer/tasks/labelled/class_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using Names = std::vector<std::string>;

[[noreturn]] void fail(const std::string& setting, const Names& labels, const std::string& what) {
  throw Error(ErrorKind::usage,
              fmt::format("task.class_weights = '{}': {}", excerpt(setting), what),
              fmt::format("a weight above 0 for each of {} labels in this order: {}; or by name: "
                          "--task.class_weights {}:2",
                          labels.size(), excerpt_list(labels),
                          labels.empty() ? "label" : excerpt(labels.back())));
}

std::optional<double> weight_of(std::string_view text) {
  text = trimmed(text);
  double weight = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, weight);
  // As the loss has it: not 0 or infinite there either.
  const auto rounded = static_cast<float>(weight);
  if (fault != std::errc{} || rest != end || !std::isfinite(rounded) || !(rounded > 0)) {
    return std::nullopt;
  }
  return weight;
}

std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    parts.push_back(trimmed(list.substr(0, end)));
    if (end == list.size()) return parts;
    list.remove_prefix(end + 1);
  }
}

std::vector<double> weights_in_order(const std::string& setting, const Names& labels) {
  std::vector<double> weights;
  for (const auto part : parts_of(setting)) {
    const auto weight = weight_of(part);
    if (!weight) fail(setting, labels, "expected none, balanced, or weights above 0");
    weights.push_back(*weight);
  }
  if (weights.size() != labels.size()) {
    fail(setting, labels, fmt::format("{} weights for {} labels", weights.size(), labels.size()));
  }
  return weights;
}

std::vector<double> weights_by_name(const std::string& setting, const Names& labels) {
  std::vector<double> weights(labels.size(), 1);
  std::vector<bool> given(labels.size());
  for (const auto part : parts_of(setting)) {
    const auto colon = std::min(part.rfind(':'), part.size());
    const auto name = trimmed(part.substr(0, colon));
    const auto weight = weight_of(part.substr(std::min(colon + 1, part.size())));
    if (!weight) fail(setting, labels, fmt::format("'{}' has no weight above 0", excerpt(part)));
    const auto found = std::find(labels.begin(), labels.end(), name);
    if (found == labels.end()) fail(setting, labels, fmt::format("no label '{}'", excerpt(name)));
    const auto place = static_cast<std::size_t>(found - labels.begin());
    if (given[place]) fail(setting, labels, fmt::format("label '{}' comes twice", excerpt(name)));
    given[place] = true;
    weights[place] = *weight;
  }
  return weights;
}

std::vector<double> given_weights(const std::string& setting, const Names& labels) {
  return setting.find(':') == std::string::npos ? weights_in_order(setting, labels)
                                                : weights_by_name(setting, labels);
}

}  // namespace

std::vector<double> class_weights(const std::string& setting,
                                  const std::vector<EncodedExample>& examples,
                                  const std::vector<std::string>& labels) {
  if (setting == "none") return {};
  if (setting != "balanced") return given_weights(setting, labels);
  std::vector<double> counts(labels.size());
  double all = 0;
  for (const auto& example : examples) {
    for (const auto label : example.labels) {
      if (label < 0) continue;
      counts.at(static_cast<std::size_t>(label)) += 1;
      all += 1;
    }
  }
  const auto there = static_cast<double>(
      std::count_if(counts.begin(), counts.end(), [](double count) { return count > 0; }));
  std::vector<double> weights;
  for (const auto count : counts) weights.push_back(count > 0 ? all / (there * count) : 1);
  return weights;
}

std::vector<double> positive_weights(const std::string& setting,
                                     const std::vector<EncodedExample>& examples,
                                     const std::vector<std::string>& labels) {
  if (setting == "none") return {};
  if (setting != "balanced") return given_weights(setting, labels);
  std::vector<double> counts(labels.size());
  for (const auto& example : examples) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += example.values.at(i) > 0 ? 1 : 0;
  }
  const auto all = static_cast<double>(examples.size());
  std::vector<double> weights;
  for (const auto count : counts) {
    weights.push_back(count > 0 && count < all ? (all - count) / count : 1);
  }
  return weights;
}

}  // namespace bertha
