// What a sample is made of, before any token is read.
#pragma once

#include <cstdint>

namespace bertha {

// Sentences [a_begin, a_end) of `document` are text A. Text B: sentences [b_begin, b_end) of
// `b_document`, which follow A, or are random (`random_b`), or nothing (next_sentence off).
struct SamplePlan {
  std::uint64_t document = 0;
  std::uint64_t a_begin = 0, a_end = 0;
  bool has_b = false;
  bool random_b = false;
  std::uint64_t b_document = 0, b_begin = 0, b_end = 0;
  int b_tokens = 0;  // a random B ends with the sentence that reaches this; a DocumentPlanner gives
                     // its document's end as b_end, SampleIndex the sentence
  int max_tokens = 0;       // of A and B together, without special tokens; longer pairs are trimmed
  int expected_tokens = 0;  // with special tokens, before masking; of SampleIndex exact
  std::uint64_t document_sample = 0;  // number of this sample within its document
  bool operator==(const SamplePlan&) const = default;
};

}  // namespace bertha
