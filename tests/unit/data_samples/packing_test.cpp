// Sequences end to end, shared by ranks; threads that take blocks.
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/samples/collate.h"
#include "data_pipeline/samples/rank_share.h"
#include "data_pipeline/samples/worker_threads.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LabelledSequence sequence_of(std::vector<std::int32_t> tokens, std::uint64_t number) {
  LabelledSequence labelled;
  labelled.sequence.segments.assign(tokens.size(), static_cast<std::int32_t>(number % 2));
  labelled.sequence.masked_positions = {1};
  labelled.sequence.masked_labels = {100 + static_cast<std::int32_t>(number)};
  labelled.sequence.tokens = std::move(tokens);
  labelled.next_sentence = static_cast<std::int32_t>(number % 2);
  labelled.sample_number = number;
  return labelled;
}

TEST(Collate, LaysSequencesEndToEnd) {
  const std::vector<LabelledSequence> sequences{sequence_of({1, 2, 3}, 7), sequence_of({4, 5}, 8)};
  const auto batches = collate(sequences, 5, true);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_THAT(batches[0].tokens, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(batches[0].segments, ElementsAre(1, 1, 1, 0, 0));
  EXPECT_THAT(batches[0].positions, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_THAT(batches[0].sequence_offsets, ElementsAre(0, 3, 5));
  EXPECT_THAT(batches[0].masked_positions, ElementsAre(1, 4));
  EXPECT_THAT(batches[0].masked_labels, ElementsAre(107, 108));
  EXPECT_THAT(batches[0].next_sentence, ElementsAre(1, 0));
  EXPECT_THAT(batches[0].sample_numbers, ElementsAre(7, 8));
  EXPECT_THAT(collate(sequences, 5, false)[0].next_sentence, IsEmpty());
}

TEST(Collate, ClosesAMicroBatchAtTheBudget) {
  std::vector<LabelledSequence> sequences;
  for (const std::size_t length : {3, 3, 1, 9, 2, 4, 6}) {
    sequences.push_back(sequence_of(std::vector<std::int32_t>(length, 1), sequences.size()));
  }
  std::vector<std::int64_t> sizes;
  for (const auto& batch : collate(sequences, 7, true)) sizes.push_back(batch.token_count());
  EXPECT_THAT(sizes, ElementsAre(7, 9, 6, 6));  // a single sequence may exceed it
  EXPECT_THAT(collate({}, 7, true), IsEmpty());
}

TEST(RankShare, HasEverySequenceOnceAndBalances) {
  for (std::uint64_t round = 0; round < 50; ++round) {
    Philox random(3, RandomPurpose::sample_order, round);
    std::vector<int> lengths(random.next_below(300));
    for (auto& length : lengths) length = 5 + static_cast<int>(random.next_below(500));
    for (const int world : {1, 2, 3, 4, 16}) {
      std::vector<int> seen(lengths.size());
      std::vector<std::int64_t> tokens;
      for (int r = 0; r < world; ++r) {
        const auto share = rank_share(lengths, {r, world, 0, 1});
        EXPECT_TRUE(std::is_sorted(share.begin(), share.end()));
        tokens.push_back(0);
        for (const auto place : share) {
          ++seen[place];
          tokens.back() += lengths[place];
        }
      }
      EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
      const auto [least, most] = std::minmax_element(tokens.begin(), tokens.end());
      EXPECT_LE(*most - *least, 504);
      if (lengths.size() > 20 * tokens.size()) {
        EXPECT_LE(*most - *least, 60);
      }
    }
  }
}

TEST(RankShare, FewSequencesLeaveRanksEmpty) {
  const std::vector<int> lengths{4, 9};
  EXPECT_THAT(rank_share(lengths, {0, 3, 0, 1}), ElementsAre(1U));
  EXPECT_THAT(rank_share(lengths, {1, 3, 0, 1}), ElementsAre(0U));
  EXPECT_THAT(rank_share(lengths, {2, 3, 0, 1}), IsEmpty());
}

TEST(WorkerThreads, VisitEverythingOnce) {
  for (const int workers : {-1, 1, 2, 5}) {
    for (const std::size_t count : {0, 1, 7, 64, 1001}) {
      std::vector<std::atomic<int>> visits(count);
      const auto most = worker_count(count, 8, workers);
      std::vector<std::atomic<int>> busy(most);
      for_each_block(count, 8, workers,
                     [&](std::size_t worker, std::size_t begin, std::size_t end) {
                       ASSERT_LT(worker, most);
                       EXPECT_EQ(busy[worker]++, 0);
                       for (auto i = begin; i < end; ++i) ++visits[i];
                       --busy[worker];
                     });
      for (const auto& visit : visits) EXPECT_EQ(visit, 1);
    }
  }
}

TEST(WorkerThreads, ThrowWhatABlockThrows) {
  for (const int workers : {1, 3}) {
    std::atomic<int> blocks{0};
    EXPECT_THROW(for_each_block(100'000, 1, workers,
                                [&](std::size_t, std::size_t begin, std::size_t) {
                                  ++blocks;
                                  if (begin == 10) throw std::runtime_error("block");
                                }),
                 std::runtime_error);
    if (workers == 1) {
      EXPECT_EQ(blocks, 11);
    }
  }
}

// Every place once, a multiple of eight of about equal size, none far over the budget.
TEST(FixedMicroBatches, CoverTheBatchEvenly) {
  std::vector<int> lengths;
  for (int i = 0; i < 300; ++i) lengths.push_back(20 + i * 37 % 109);
  for (const std::int64_t budget : {200, 1000, 4096, 1000000}) {
    const auto batches = fixed_micro_batches(lengths, budget);
    EXPECT_EQ(batches.size() % 8, 0U);
    std::vector<std::size_t> places;
    for (const auto& batch : batches) {
      std::int64_t tokens = 0;
      for (const auto place : batch) tokens += lengths[place];
      EXPECT_LE(tokens, budget + 128);
      places.insert(places.end(), batch.begin(), batch.end());
    }
    std::sort(places.begin(), places.end());
    ASSERT_EQ(places.size(), lengths.size());
    for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], i);
  }
  EXPECT_EQ(fixed_micro_batches(std::vector{5, 6, 7}, 100).size(), 3U) << "no more than sequences";
  EXPECT_TRUE(fixed_micro_batches({}, 100).empty());
}

TEST(FixedMicroBatches, GoToRanksInOrder) {
  for (const std::size_t count : {0, 1, 5, 8, 24}) {
    for (int world = 1; world <= 9; ++world) {
      std::size_t next = 0;
      for (int rank = 0; rank < world; ++rank) {
        const auto range = micro_batches_of(count, {rank, world, 0, 1});
        EXPECT_EQ(range.begin, next);
        EXPECT_LE(range.end - range.begin,
                  (count + static_cast<std::size_t>(world) - 1) / static_cast<std::size_t>(world));
        next = range.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

}  // namespace
}  // namespace bertha
