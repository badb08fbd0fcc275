// The order in which an epoch's rows of foreign shards are trained. Pure.
//
// Rows that lie together are stored, compressed and read together, so a permutation of all rows
// would read a whole block for each. Instead the blocks of all shards (about a million tokens each)
// are permuted, windows of 32 blocks from all over the corpus follow each other, and the rows of a
// window are permuted together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bertha {

inline constexpr std::size_t kBlocksInWindow = 32;

class ForeignOrder {
 public:
  // `block_rows`: rows of each block, in the order of the corpus.
  ForeignOrder(std::span<const std::uint64_t> block_rows, std::uint64_t seed, std::uint32_t epoch);

  std::uint64_t size() const { return first_.back(); }
  std::size_t window_of(std::uint64_t place) const;
  std::size_t windows() const { return (blocks_.size() + kBlocksInWindow - 1) / kBlocksInWindow; }
  std::uint64_t first_of(std::size_t window) const { return first_[window * kBlocksInWindow]; }
  std::span<const std::size_t> blocks_of(std::size_t window) const;
  std::uint64_t at(std::uint64_t place) const;  // the row's number in the corpus

 private:
  std::uint64_t seed_;
  std::uint32_t epoch_;
  std::vector<std::size_t> blocks_;          // permuted
  std::vector<std::uint64_t> first_;         // place of each permuted block's first row; the end
  std::vector<std::uint64_t> corpus_first_;  // by block of the corpus: number of its first row
};

}  // namespace bertha
