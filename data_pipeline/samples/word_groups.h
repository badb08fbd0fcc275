// The words of a sequence of WordPiece ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

struct WordGroup {
  std::size_t begin, end;  // pieces, as places in the sequence
  std::size_t size() const { return end - begin; }
};

// A word is a piece and the "##" pieces behind it. A "##" piece that begins the text (a trimmed
// word) begins a word here; special tokens belong to none.
std::vector<WordGroup> group_words(std::span<const std::int32_t> tokens,
                                   const Vocabulary& vocabulary);

}  // namespace bertha
