// Lengths of Wikipedia's sequences as MLPerf cuts them.
#pragma once

#include <algorithm>
#include <array>

namespace bertha {

// Quantiles (1/64, 3/64, ..., 63/64) of the lengths of the 16,279,552 sequences of at most 512
// tokens into which Wikipedia is cut for MLPerf's BERT; their mean is 255.8. Computed from the
// histogram of Krell et al., arXiv 2107.02027 (github.com/graphcore/examples, the file
// tutorials/blogs_code/packedBERT/histograms.py).
inline constexpr std::array kMlperfLengths{25,  35,  43,  50,  57,  64,  71,  79,  89,  99,  111,
                                           124, 139, 155, 173, 193, 215, 240, 267, 298, 332, 369,
                                           411, 459, 511, 512, 512, 512, 512, 512, 512, 512};

// The length below which that share (0 to 1) of the sequences are; straight between the quantiles.
inline int mlperf_length(double share) {
  const double place = share * kMlperfLengths.size() - 0.5;
  if (place <= 0) return kMlperfLengths.front() - static_cast<int>(-place * 2 * 20);  // from 5 on
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= kMlperfLengths.size()) return kMlperfLengths.back();
  const double part = place - static_cast<double>(below);
  return static_cast<int>(kMlperfLengths[below] * (1 - part) + kMlperfLengths[below + 1] * part +
                          0.5);
}

}  // namespace bertha
