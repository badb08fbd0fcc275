// The text of a label as a number.
#pragma once

#include <optional>
#include <string_view>

namespace bertha {

// A finite number that fits a float, written as in C or JSON; nothing otherwise.
std::optional<float> parse_regression_label(std::string_view label);

}  // namespace bertha
