// The batches of a corpus: the same for any number of ranks and from any place, each sample once.
#include "data_pipeline/batch_stream.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A sequence out of a batch, comparable.
struct Row {
  std::uint64_t number;
  std::vector<std::int32_t> tokens, segments, positions, masked_labels;
  std::int32_t next_sentence;
  auto operator<=>(const Row&) const = default;
};

std::vector<Row> rows_of(const std::vector<Batch>& batches) {
  std::vector<Row> rows;
  for (const auto& batch : batches) {
    for (std::size_t s = 0; s + 1 < batch.sequence_offsets.size(); ++s) {
      const auto begin = batch.sequence_offsets[s], end = batch.sequence_offsets[s + 1];
      const auto part = [&](const std::vector<std::int32_t>& values) {
        return std::vector<std::int32_t>(values.begin() + begin, values.begin() + end);
      };
      Row row{batch.sample_numbers[s],
              part(batch.tokens),
              part(batch.segments),
              part(batch.positions),
              {},
              batch.next_sentence.empty() ? -1 : batch.next_sentence[s]};
      for (std::size_t m = 0; m < batch.masked_positions.size(); ++m) {
        if (batch.masked_positions[m] >= begin && batch.masked_positions[m] < end) {
          row.masked_labels.push_back(batch.masked_labels[m]);
        }
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

class Stream : public ::testing::Test {
 protected:
  Stream() {
    data_.corpus = folder_.path();
    data_.sequence_length = 48;
    options_.global_batch = 24;
    options_.micro_batch_tokens = 256;
    options_.prefetch = 0;
  }
  void write(int documents, std::uint64_t most_sentences = 8) {
    write_corpus(folder_.path(), test_vocabulary(3000),
                 {{"train", telling_documents(documents, most_sentences, 20)},
                  {"validation", telling_documents(30, 8, 20, kFirstWord + 4000)}});
    corpus_ = std::make_unique<Corpus>(folder_.path(), "train", VerifyLevel::full);
  }
  BatchStream stream(const RankInfo& rank = {}, const StreamCursor& start = {}) const {
    return BatchStream(*corpus_, data_, options_, rank, start);
  }

  TestFolder folder_;
  std::unique_ptr<Corpus> corpus_;
  DataConfig data_;
  BatchOptions options_;
};

// A step may end one epoch and begin the next, and its rows come in any order: what the ending
// epoch lacks is its, and the rest begins the next.
TEST_F(Stream, AnEpochHasEverySampleOnce) {
  write(100);
  auto batches = stream();
  ASSERT_GT(batches.samples_in_epoch(0), 200U);
  std::uint32_t epoch = 0;
  const auto numbers_of_epoch = [&] {
    std::set<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < batches.samples_in_epoch(epoch); ++i) numbers.insert(i);
    return numbers;
  };
  auto missing = numbers_of_epoch();
  for (std::uint64_t seen = 24; epoch < 2; seen += 24) {
    const auto step = batches.next();
    const auto rows = rows_of(step.micro_batches);
    EXPECT_EQ(rows.size(), 24U);
    std::vector<std::uint64_t> others;
    for (const auto& row : rows) {
      if (missing.erase(row.number) == 0) others.push_back(row.number);
    }
    EXPECT_EQ(step.after.samples, seen);
    EXPECT_GE(step.wait_seconds, 0);
    if (!missing.empty()) {
      EXPECT_TRUE(others.empty()) << "more than once in epoch " << epoch;
      continue;
    }
    ++epoch;
    EXPECT_EQ(step.after.epoch, epoch);
    missing = numbers_of_epoch();
    for (const auto number : others) EXPECT_EQ(missing.erase(number), 1U) << number;
  }
}

TEST_F(Stream, IsWellFormed) {
  write(60);
  auto batches = stream();
  for (int i = 0; i < 10; ++i) {
    for (const auto& batch : batches.next().micro_batches) {
      const auto tokens = batch.tokens.size();
      EXPECT_LE(tokens, 256U);
      EXPECT_EQ(batch.segments.size(), tokens);
      EXPECT_EQ(batch.positions.size(), tokens);
      EXPECT_EQ(batch.masked_labels.size(), batch.masked_positions.size());
      EXPECT_EQ(batch.next_sentence.size(), static_cast<std::size_t>(batch.sequence_count()));
      EXPECT_EQ(batch.sample_numbers.size(), batch.next_sentence.size());
      EXPECT_THAT(batch.labels, IsEmpty());
      EXPECT_THAT(batch.values, IsEmpty());
      EXPECT_TRUE(std::is_sorted(batch.masked_positions.begin(), batch.masked_positions.end()));
    }
    for (const auto& row : rows_of(stream().next().micro_batches)) {
      EXPECT_EQ(row.tokens.front(), corpus_->vocabulary().cls());
      EXPECT_EQ(row.tokens.back(), corpus_->vocabulary().sep());
      EXPECT_LE(row.tokens.size(), 48U);
    }
  }
}

TEST_F(Stream, AnyNumberOfRanksHasTheSameSequences) {
  write(40);
  std::vector<std::vector<Row>> expected;
  std::vector<StreamCursor> cursors;
  auto alone = stream();
  for (int i = 0; i < 12; ++i) {
    const auto step = alone.next();
    expected.push_back(rows_of(step.micro_batches));
    std::sort(expected.back().begin(), expected.back().end());
    cursors.push_back(step.after);
  }
  EXPECT_GT(cursors.back().epoch, 1U);
  for (const int world : {2, 3, 4, 30}) {
    std::vector<std::vector<Row>> together(12);
    for (int r = 0; r < world; ++r) {
      auto share = stream({r, world, r, world});
      for (std::size_t i = 0; i < 12; ++i) {
        const auto step = share.next();
        EXPECT_EQ(step.after, cursors[i]);
        const auto rows = rows_of(step.micro_batches);
        together[i].insert(together[i].end(), rows.begin(), rows.end());
      }
    }
    for (auto& rows : together) std::sort(rows.begin(), rows.end());
    EXPECT_EQ(together, expected) << world << " ranks";
  }
}

TEST_F(Stream, RanksShareTokensEvenly) {
  write(200);
  options_.global_batch = 64;
  std::vector<std::int64_t> tokens(4);
  for (int r = 0; r < 4; ++r) {
    for (const auto& batch : stream({r, 4, r, 4}).next().micro_batches) {
      tokens[static_cast<std::size_t>(r)] += batch.token_count();
    }
  }
  const auto [least, most] = std::minmax_element(tokens.begin(), tokens.end());
  EXPECT_LT(*most - *least, 48);  // less than a sequence
}

TEST_F(Stream, GoesOnFromAnyCursor) {
  write(25);
  options_.global_batch = 17;
  auto whole = stream();
  std::vector<StepBatches> steps;
  for (int i = 0; i < 15; ++i) steps.push_back(whole.next());
  EXPECT_GT(steps.back().after.epoch, 1U);
  for (std::size_t begin = 0; begin + 1 < steps.size(); ++begin) {
    auto resumed = stream({}, steps[begin].after);
    for (std::size_t i = begin + 1; i < std::min(begin + 4, steps.size()); ++i) {
      const auto step = resumed.next();
      EXPECT_EQ(step.micro_batches, steps[i].micro_batches);
      EXPECT_EQ(step.after, steps[i].after);
    }
  }
}

TEST_F(Stream, ACursorBehindTheEndIsTheNextEpoch) {
  write(25);
  const auto size = stream().samples_in_epoch(3);
  const auto expected = stream({}, {4, 0, 100}).next();
  for (const auto place : {size, size + 5}) {
    const auto step = stream({}, {3, place, 100}).next();
    EXPECT_EQ(step.micro_batches, expected.micro_batches);
    EXPECT_EQ(step.after, expected.after);
  }
}

TEST_F(Stream, PrefetchAndThreadsChangeNothing) {
  write(40);
  std::vector<std::vector<Batch>> expected;
  auto plain = stream();
  for (int i = 0; i < 20; ++i) expected.push_back(plain.next().micro_batches);
  for (const int prefetch : {1, 2, 5}) {
    for (const int workers : {1, 3}) {
      options_.prefetch = prefetch;
      data_.workers = workers;
      auto ahead = stream();
      for (const auto& batches : expected) EXPECT_EQ(ahead.next().micro_batches, batches);
      EXPECT_EQ(ahead.samples_in_epoch(0), plain.samples_in_epoch(0));
      EXPECT_EQ(ahead.samples_in_epoch(7), plain.samples_in_epoch(7));
    }
  }
}

TEST_F(Stream, AnEpochMayBeSmallerThanABatch) {
  write(2, 1);
  options_.global_batch = 11;
  const auto size = stream().samples_in_epoch(0);
  ASSERT_EQ(size, 2U);
  auto batches = stream();
  const auto step = batches.next();
  std::map<std::uint64_t, int> counts;
  for (const auto& row : rows_of(step.micro_batches)) ++counts[row.number];
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts[0] + counts[1], 11);
  EXPECT_LE(std::abs(counts[0] - counts[1]), 1);
  EXPECT_EQ(step.after, (StreamCursor{5, 1, 11}));
  EXPECT_EQ(stream({}, step.after).next().micro_batches, batches.next().micro_batches);
}

TEST_F(Stream, SeedsEpochsAndOrdersDiffer) {
  write(100);
  const auto base = rows_of(stream().next().micro_batches);
  options_.seed = 2;
  EXPECT_NE(rows_of(stream().next().micro_batches), base);
  options_.seed = 1;
  EXPECT_NE(rows_of(stream({}, {1, 0, 0}).next().micro_batches), base);
  std::vector<std::uint64_t> numbers;
  for (const auto& row : base) numbers.push_back(row.number);
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST_F(Stream, WithoutNextSentence) {
  write(1, 50);
  data_.next_sentence = false;
  for (const auto& batch : stream().next().micro_batches)
    EXPECT_THAT(batch.next_sentence, IsEmpty());
  for (const auto& row : rows_of(stream().next().micro_batches)) {
    EXPECT_EQ(std::count(row.segments.begin(), row.segments.end(), 1), 0);
  }
}

TEST_F(Stream, OneDocumentIsPairedWithItself) {
  write(1, 50);
  std::set<std::int64_t> labels;
  auto one = stream();
  for (int step = 0; step < 8; ++step) {
    for (const auto& batch : one.next().micro_batches) {
      labels.insert(batch.next_sentence.begin(), batch.next_sentence.end());
    }
  }
  EXPECT_THAT(labels, ElementsAre(0, 1));
}

TEST_F(Stream, MustHaveABatch) {
  write(5);
  options_.global_batch = 0;
  EXPECT_THROW(stream(), Error);
}

class Validation : public Stream {
 protected:
  std::vector<Row> pass(int world, std::uint64_t most = 0) {
    const Corpus corpus(folder_.path(), "validation", VerifyLevel::quick);
    std::vector<Row> rows;
    for (int r = 0; r < world; ++r) {
      const auto part =
          rows_of(validation_batches(corpus, data_, options_, {r, world, r, world}, most));
      rows.insert(rows.end(), part.begin(), part.end());
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
};

TEST_F(Validation, IsTheSameForAnyNumberOfRanks) {
  write(5);
  const auto expected = pass(1);
  std::set<std::uint64_t> numbers;
  for (const auto& row : expected) numbers.insert(row.number);
  EXPECT_EQ(numbers.size(), expected.size());
  EXPECT_EQ(*numbers.rbegin(), expected.size() - 1);
  EXPECT_EQ(pass(1), expected);
  for (const int world : {2, 3, 4}) {
    EXPECT_EQ(pass(world), expected);
  }
}

TEST_F(Validation, APartIsSpreadOverTheWhole) {
  write(5);
  const auto all = pass(1).size();
  const auto part = pass(1, all / 3);
  EXPECT_EQ(part.size(), all / 3);
  EXPECT_GT(part.back().number, all * 9 / 10);
  EXPECT_EQ(pass(1, all * 2), pass(1));
}

TEST_F(Validation, OneDocumentIsEnough) {
  write_corpus(folder_.path(), test_vocabulary(100),
               {{"validation", {TestDocument(60, {kFirstWord, kFirstWord + 1, kFirstWord + 2})}}});
  std::set<std::int32_t> labels;
  for (const auto& row : pass(1)) labels.insert(row.next_sentence);
  EXPECT_THAT(labels, ::testing::ElementsAre(0, 1));
}

}  // namespace
}  // namespace bertha
