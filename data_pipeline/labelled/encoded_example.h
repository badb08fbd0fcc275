// An example of any fine-tuning task as the model takes it: one sequence, and what is to be learnt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bertha {

// Where a token comes from, for tasks whose answers point into the text.
struct TokenOrigin {
  std::int32_t word = -1;            // number of its word; -1: a special token, or not to be used
  std::uint32_t begin = 0, end = 0;  // bytes of the text
};

struct EncodedExample {
  std::vector<std::int32_t> tokens, segments;  // [CLS] first
  // One class; or one for each token, -1 where none is learnt; or start and end of an answer
  // (places in `tokens`). Empty when nothing is to be learnt.
  std::vector<std::int32_t> labels;
  // One number; or 0 and 1 for each of the outputs.
  std::vector<float> values;
  std::vector<TokenOrigin> origins;  // [tokens], or empty
  std::uint64_t number = 0;          // index in its list; keys dropout
  std::size_t row = 0;               // which row of the file it is a part of, from 0
};

}  // namespace bertha
