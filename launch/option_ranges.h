// What numbers an option may be: declared here for all, checked wherever a value comes from.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bertha {

struct OptionRange {
  double least = 0, most = 0;
  bool most_itself = true;

  bool holds(double value) const {  // not for NaN
    return value >= least && (most_itself ? value <= most : value < most);
  }
  std::string text() const;  // "at least 0", "from 0 to 1", "from 0 to under 1"
};

struct NamedRange {
  std::string_view option;
  OptionRange range;
};
std::span<const NamedRange> option_ranges();

// Nothing for options that are no numbers, or whose command knows better what they may be.
std::optional<OptionRange> option_range(std::string_view name);

}  // namespace bertha
