// The words for a fault.
#include "data_pipeline/shards/sentence_borders.h"

#include <fmt/format.h>

#include "data_pipeline/shards/shard_reader.h"
#include "parallel/base/error.h"

namespace bertha {

void SentenceBorders::fail(std::uint64_t from, std::uint64_t to, std::uint64_t sentence) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: sentence {} begins at token {} and ends at {}",
                          shard_ != nullptr ? shard_->path().string() : "document",
                          first_ + sentence, from, to),
              kCorpusRemedy);
}

}  // namespace bertha
