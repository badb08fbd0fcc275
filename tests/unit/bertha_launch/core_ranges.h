// Cores of made-up machines.
#pragma once

#include <numeric>
#include <vector>

namespace bertha {

// `count` of them, from number `first` on.
inline std::vector<int> cores(int first, int count) {
  std::vector<int> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}

}  // namespace bertha
