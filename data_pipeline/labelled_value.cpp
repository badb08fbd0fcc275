// Independent of the locale.
#include "data_pipeline/labelled_value.h"

#include <charconv>
#include <cmath>
#include <system_error>

namespace bertha {

std::optional<float> parse_regression_label(std::string_view label) {
  if (label.starts_with('+') && !label.starts_with("+-")) label.remove_prefix(1);
  double value = 0;
  const auto* end = label.data() + label.size();
  const auto [rest, fault] = std::from_chars(label.data(), end, value);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  const auto narrow = static_cast<float>(value);
  return std::isfinite(narrow) ? std::optional(narrow) : std::nullopt;
}

}  // namespace bertha
