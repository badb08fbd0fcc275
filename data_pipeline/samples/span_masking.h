// Masking by spans of whole words (Joshi et al. 2020, SpanBERT, section 3.1).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data_pipeline/samples/word_groups.h"
#include "parallel/base/philox.h"

namespace bertha {

// Words in a span: geometric with p = 0.2, from 1 to 10 (what is longer is drawn anew). Mean 3.8.
std::size_t draw_span_length(Philox& random);

// Spans of adjacent words, ascending, with together at most `count` pieces. Words are drawn as
// beginnings until the count is reached; a span ends early at a special token, at another span, and
// before a word that is too long for what is left of the count.
std::vector<WordGroup> choose_spans(std::span<const WordGroup> words, std::size_t count,
                                    Philox& random);

}  // namespace bertha
