// Independent of the locale.
#include "data_pipeline/labelled/labelled_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/table_text.h"

namespace bertha {
namespace {

std::optional<std::vector<std::string>> parse_json_list(std::string_view text) {
  const auto list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> labels;
  for (const auto& item : list) {
    if (item.is_string()) {
      if (const auto label = trimmed(item.get_ref<const std::string&>()); !label.empty()) {
        labels.emplace_back(label);
      }
    } else if (item.is_number() || item.is_boolean()) {
      labels.push_back(item.dump());
    } else {
      return std::nullopt;
    }
  }
  return labels;
}

}  // namespace

std::optional<float> parse_regression_label(std::string_view label) {
  if (label.starts_with('+') && !label.starts_with("+-")) label.remove_prefix(1);
  double value = 0;
  const auto* end = label.data() + label.size();
  const auto [rest, fault] = std::from_chars(label.data(), end, value);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  const auto narrow = static_cast<float>(value);
  return std::isfinite(narrow) ? std::optional(narrow) : std::nullopt;
}

std::optional<std::vector<std::string>> parse_label_list(std::string_view text,
                                                         std::string_view delimiter) {
  text = trimmed(text);
  if (text.starts_with('[') && text.ends_with(']')) return parse_json_list(text);
  std::vector<std::string> labels;
  while (!text.empty()) {
    const auto end = delimiter.empty() ? text.size() : std::min(text.find(delimiter), text.size());
    if (const auto label = trimmed(text.substr(0, end)); !label.empty()) {
      labels.emplace_back(label);
    }
    text.remove_prefix(std::min(end + delimiter.size(), text.size()));
  }
  return labels;
}

}  // namespace bertha
