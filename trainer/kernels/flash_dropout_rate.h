// What the rate of dropout comes to in FlashAttentionJob, where a byte is drawn for each score.
#pragma once

#include <algorithm>
#include <cmath>

namespace bertha {

// A multiple of 1/256. What is kept is scaled by this one.
inline double flash_dropout_rate(double rate) {
  return static_cast<double>(std::min(std::lround(rate * 256), 255L)) / 256;
}

}  // namespace bertha
