// The texts that foreign training samples were made of, as far as they can be told.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data_pipeline/shards/foreign_shard.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

struct ForeignTextCounts {
  std::uint64_t samples = 0;
  std::uint64_t random_pairs = 0;     // taken apart
  std::uint64_t special_dropped = 0;  // besides the [CLS] and [SEP] that frame A and B
};

// A document: its tokens, and the number of tokens of each of its one or two sentences.
using ForeignDocument =
    std::function<void(std::span<const std::int32_t>, std::span<const std::uint32_t>)>;

// Calls `document` for all texts of the rows, in their order.
void for_each_text(const ForeignRows& rows, const Vocabulary& vocabulary,
                   const ForeignDocument& document, ForeignTextCounts& counts);

}  // namespace bertha
