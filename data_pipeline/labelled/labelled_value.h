// The text of a label as a number, or as several labels.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// A finite number that fits a float, written as in C or JSON; nothing otherwise.
std::optional<float> parse_regression_label(std::string_view label);

// A JSON list, or labels parted by `delimiter`, without the blanks around them. Empty ones do not
// count; nothing for a list that is no valid JSON, or holds more than strings, numbers and
// booleans.
std::optional<std::vector<std::string>> parse_label_list(std::string_view text,
                                                         std::string_view delimiter);

}  // namespace bertha
