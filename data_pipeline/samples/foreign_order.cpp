// Two keyed permutations: of blocks, and of the rows of a window.
#include "data_pipeline/samples/foreign_order.h"

#include <algorithm>

#include "data_pipeline/samples/sample_order.h"
#include "parallel/base/philox.h"

namespace bertha {

ForeignOrder::ForeignOrder(std::span<const std::uint64_t> block_rows, std::uint64_t seed,
                           std::uint32_t epoch)
    : seed_(seed), epoch_(epoch), first_{0}, corpus_first_{0} {
  for (const auto rows : block_rows) corpus_first_.push_back(corpus_first_.back() + rows);
  const SampleOrder order(block_rows.size(), seed, epoch, RandomPurpose::block_order);
  for (std::size_t i = 0; i < block_rows.size(); ++i) {
    blocks_.push_back(static_cast<std::size_t>(order.at(i)));
    first_.push_back(first_.back() + block_rows[blocks_.back()]);
  }
}

std::size_t ForeignOrder::window_of(std::uint64_t place) const {
  const auto behind = std::ranges::upper_bound(first_, place);
  return (static_cast<std::size_t>(behind - first_.begin()) - 1) / kBlocksInWindow;
}

std::span<const std::size_t> ForeignOrder::blocks_of(std::size_t window) const {
  const auto begin = window * kBlocksInWindow;
  return std::span(blocks_).subspan(begin, std::min(kBlocksInWindow, blocks_.size() - begin));
}

std::uint64_t ForeignOrder::at(std::uint64_t place) const {
  const auto window = window_of(place);
  const auto begin = first_[window * kBlocksInWindow];
  const auto end = first_[std::min((window + 1) * kBlocksInWindow, blocks_.size())];
  // Windows differ by their seed.
  const auto key = Philox(seed_, RandomPurpose::block_order, ~std::uint64_t{window}, epoch_);
  const SampleOrder order(end - begin, Philox(key).next_u64(), epoch_);
  const auto shuffled = begin + order.at(place - begin);
  const auto behind = std::ranges::upper_bound(first_, shuffled);
  const auto block = static_cast<std::size_t>(behind - first_.begin()) - 1;
  return corpus_first_[blocks_[block]] + (shuffled - first_[block]);
}

}  // namespace bertha
