// "Did you mean".
#pragma once

#include <string>
#include <vector>

namespace bertha {

// Of `names` (not empty), the one with the smallest Levenshtein distance.
std::string nearest_name(const std::string& name, const std::vector<std::string>& names);

}  // namespace bertha
