// Rows out of cached blocks.
#include "data_pipeline/samples/foreign_samples.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/samples/block_cache.h"
#include "data_pipeline/samples/foreign_order.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

// This window and the next. Blocks are bounded (best_rows_at_once), so these are 0.6 GB at most.
constexpr std::size_t kBlocksKept = 2 * kBlocksInWindow + 4;
constexpr int kSequenceShift = 48;  // sequences of a packed row: numbers that differ far up

// Sequence `s` of these rows.
SequenceView view_of(const ForeignRows& rows, std::size_t s) {
  const auto part = [s](const std::vector<std::int32_t>& of,
                        const std::vector<std::size_t>& offsets) {
    return std::span(of).subspan(offsets[s], offsets[s + 1] - offsets[s]);
  };
  return {part(rows.tokens, rows.token_offsets), part(rows.segments, rows.token_offsets),
          part(rows.masked_positions, rows.prediction_offsets),
          part(rows.masked_labels, rows.prediction_offsets), rows.next_sentence[s]};
}

// A row: one sequence, or those that were packed into it. Cut and checked by whoever makes it: of
// a block that all ranks hold each takes apart its own rows only.
class ForeignSample : public SampleMaker {
 public:
  ForeignSample(std::shared_ptr<const ForeignBlock> block, std::size_t row, std::uint64_t number)
      : block_(std::move(block)), row_(row), number_(number) {}

  void append_to(SequenceList& list) const override {
    thread_local ForeignRows rows;  // for its memory
    rows.clear();
    block_->append(row_, rows);
    for (std::size_t s = 0; s < rows.sequences(); ++s) {
      auto sequence = view_of(rows, s);
      sequence.sample_number = number_ | std::uint64_t{s} << kSequenceShift;
      list.append(sequence);
    }
  }

 private:
  std::shared_ptr<const ForeignBlock> block_;
  std::size_t row_;
  std::uint64_t number_;
};

// What all epochs share.
class Rows {
 public:
  Rows(const ForeignCorpus& corpus, const DataConfig& data)
      : corpus_(corpus),
        sequence_length_(data.sequence_length),
        cache_([this](std::size_t block) { return load(block); }, kBlocksKept, data.workers) {
    first_row_.push_back(0);
    for (const auto& block : corpus.blocks()) {
      block_rows_.push_back(block.end - block.begin);
      first_row_.push_back(first_row_.back() + block_rows_.back());
    }
  }

  const std::vector<std::uint64_t>& block_rows() const { return block_rows_; }
  void expect(std::span<const std::size_t> blocks) { cache_.expect(blocks); }
  PlannedSample plan(std::uint64_t number);

 private:
  ForeignBlock load(std::size_t block) const;

  const ForeignCorpus& corpus_;
  std::int64_t sequence_length_;
  std::vector<std::uint64_t> block_rows_, first_row_;
  BlockCache cache_;  // last: its threads use the rest
};

ForeignBlock Rows::load(std::size_t block) const {
  auto rows = corpus_.load(block);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto length = rows.longest_sequence(row);
    if (length <= sequence_length_) continue;
    throw Error(ErrorKind::usage,
                fmt::format("{}: row {} has a sequence of {} tokens, data.sequence_length is {}",
                            corpus_.shards()[corpus_.blocks()[block].shard].path().string(),
                            rows.first_row() + row, length, sequence_length_),
                fmt::format("raise it: --data.sequence_length {}", length));
  }
  return rows;
}

PlannedSample Rows::plan(std::uint64_t number) {
  const auto behind = std::ranges::upper_bound(first_row_, number);
  const auto block = static_cast<std::size_t>(behind - first_row_.begin()) - 1;
  const auto row = static_cast<std::size_t>(number - first_row_[block]);
  auto rows = cache_.get(block);
  const auto tokens = static_cast<int>(rows->tokens(row));
  return {tokens, std::make_unique<ForeignSample>(std::move(rows), row, number)};
}

}  // namespace

SampleSource foreign_samples(const ForeignCorpus& corpus, const DataConfig& data,
                             std::uint64_t seed) {
  const auto rows = std::make_shared<Rows>(corpus, data);
  return [rows, seed](std::uint32_t epoch) {
    const auto order = std::make_shared<const ForeignOrder>(rows->block_rows(), seed, epoch);
    const auto announced = std::make_shared<std::atomic<std::size_t>>(0);  // windows, that far
    auto samples = std::make_shared<EpochSamples>();
    samples->size = order->size();
    samples->number_at = [rows, order, announced](std::uint64_t place) {
      const auto wanted = std::min(order->window_of(place) + 2, order->windows());
      auto before = announced->load();
      while (before < wanted && !announced->compare_exchange_weak(before, wanted)) {
      }
      // A stream that begins in the middle skips the windows before.
      for (auto w = std::max(before, order->window_of(place)); w < wanted; ++w) {
        rows->expect(order->blocks_of(w));
      }
      return order->at(place);
    };
    samples->plan = [rows](std::span<const std::uint64_t> numbers,
                           std::span<PlannedSample> planned) {
      for (std::size_t i = 0; i < numbers.size(); ++i) planned[i] = rows->plan(numbers[i]);
    };
    // With the last window, for which none is read ahead.
    samples->next_wanted_from = order->first_of(order->windows() - 1);
    samples->expect_first = [rows, order, announced] {
      std::size_t none = 0;
      if (announced->compare_exchange_strong(none, 1)) rows->expect(order->blocks_of(0));
    };
    return samples;
  };
}

}  // namespace bertha
