// Makes packed inputs out of lists of tokens, for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include "trainer/model/packed_input.h"

namespace bertha {

struct TestSequence {
  std::vector<std::int64_t> tokens;
  std::uint64_t sample = 0;
};

// The second half of each sequence is segment 1.
inline PackedInput pack_sequences(const std::vector<TestSequence>& sequences) {
  std::vector<std::int64_t> tokens, segments, positions, starts;
  PackedInput input;
  input.sequence_offsets.push_back(0);
  for (const auto& sequence : sequences) {
    const auto length = static_cast<std::int64_t>(sequence.tokens.size());
    starts.push_back(input.sequence_offsets.back());
    for (std::int64_t i = 0; i < length; ++i) {
      segments.push_back(2 * i >= length + 1 ? 1 : 0);
      positions.push_back(i);
    }
    tokens.insert(tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
    input.sequence_offsets.push_back(static_cast<std::int32_t>(tokens.size()));
    input.sample_numbers.push_back(sequence.sample);
    input.longest = std::max(input.longest, length);
  }
  const auto to_tensor = [](const std::vector<std::int64_t>& values) {
    return at::tensor(values, at::TensorOptions().dtype(at::kLong));
  };
  input.tokens = to_tensor(tokens);
  input.segments = to_tensor(segments);
  input.positions = to_tensor(positions);
  input.sequence_starts = to_tensor(starts);
  return input;
}

}  // namespace bertha
