// Tokens by arithmetic, so that every program makes the same.
#include "tests/bench/made_up_batch.h"

#include <algorithm>
#include <vector>

#include "tests/support/mlperf_lengths.h"

namespace bertha {
namespace {

std::vector<int> lengths_of(std::int64_t sequences, const std::string& length) {
  std::vector<int> lengths;
  if (length == "mlperf") {
    for (std::int64_t s = 0; s < sequences; ++s) {
      lengths.push_back(kMlperfLengths[static_cast<std::size_t>(s) % kMlperfLengths.size()]);
    }
    return lengths;
  }
  const auto dash = length.find('-');
  const int shortest = std::stoi(length);
  const int longest = dash == std::string::npos ? shortest : std::stoi(length.substr(dash + 1));
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto spread = (longest - shortest) * s / std::max<std::int64_t>(1, sequences - 1);
    lengths.push_back(shortest + static_cast<int>(spread));
  }
  return lengths;
}

}  // namespace

Batch make_batch(const BertConfig& config, std::int64_t sequences, const std::string& length) {
  const auto lengths = lengths_of(sequences, length);
  Batch batch;
  batch.sequence_offsets.push_back(0);
  for (std::int64_t s = 0; s < sequences; ++s) {
    const int tokens = lengths[static_cast<std::size_t>(s)];
    for (int i = 0; i < tokens; ++i) {
      const auto id = (s * 7919 + i * 104729) % (config.vocabulary_size - 1000) + 999;
      if (i % 20 == 3 || i % 20 == 9 || i % 20 == 15) {
        batch.masked_positions.push_back(static_cast<std::int32_t>(batch.tokens.size()));
        batch.masked_labels.push_back(static_cast<std::int32_t>(id));
      }
      batch.tokens.push_back(static_cast<std::int32_t>(id));
      batch.segments.push_back(2 * i >= tokens ? 1 : 0);
      batch.positions.push_back(i);
    }
    batch.sequence_offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.next_sentence.push_back(static_cast<std::int32_t>(s % 2));
    batch.sample_numbers.push_back(static_cast<std::uint64_t>(s));
  }
  return batch;
}

}  // namespace bertha
