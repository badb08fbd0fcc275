// Words of an input: the same counts from any number of threads and however little memory.
#include "data_pipeline/prepare/word_counting.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using Counts = std::map<std::string, std::uint64_t>;

Counts counts_of(const CountedInput& counted) {
  Counts counts;
  for (const CountedWord& word : counted.words) counts.emplace(word.text, word.count);
  EXPECT_EQ(counts.size(), counted.words.size());
  return counts;
}

class WordCounting : public ::testing::Test {
 protected:
  // Several units; words n with probability falling with n, so that many are rare.
  void SetUp() override {
    std::mt19937 random(11);
    std::geometric_distribution<int> word(0.002);
    for (int f = 0; f < 3; ++f) {
      std::string text;
      while (text.size() < 1'200'000) {
        const std::string next = fmt::format("w{}", word(random));
        ++expected_[next];
        ++total_;
        text += next + (total_ % 10 == 0 ? "\n" : " ");
      }
      folder_.write(fmt::format("text/{}.txt", f), text);
    }
    options_.input.paths = {(folder_ / "text").string()};
    options_.scratch = folder_.path();
  }
  PrepareFolder folder_;
  WordCountingOptions options_;
  Counts expected_;
  std::uint64_t total_ = 0;
};

TEST_F(WordCounting, ExactWithAnyThreadsAndMemory) {
  for (const int workers : {1, 3}) {
    for (const std::size_t in_memory : {std::size_t{320'000'000}, std::size_t{24'000}}) {
      options_.workers = workers;
      options_.most_memory_bytes = in_memory;
      const CountedInput counted = count_words(options_);
      EXPECT_TRUE(counts_of(counted) == expected_) << workers << " " << in_memory;
      EXPECT_EQ(counted.total_words, total_);
      EXPECT_EQ(counted.different_words, expected_.size());
      EXPECT_EQ(counted.files, 3u);
      EXPECT_EQ(counted.read.documents, 3u);
      EXPECT_TRUE(std::ranges::is_sorted(counted.words, {}, &CountedWord::text));
      EXPECT_THAT(folder_.names(), ElementsAre("text"));
    }
  }
}

// Words that are equally rare go together, so that the order of counting decides nothing.
TEST_F(WordCounting, KeepsTheMostFrequent) {
  options_.most_kept = expected_.size() / 2;
  const Counts kept = counts_of(count_words(options_));
  EXPECT_LE(kept.size(), options_.most_kept);
  std::uint64_t least = UINT64_MAX;
  for (const auto& [word, count] : kept) {
    EXPECT_EQ(count, expected_.at(word));
    least = std::min(least, count);
  }
  std::size_t as_frequent = 0, next_frequent = 0;
  for (const auto& [word, count] : expected_) as_frequent += count >= least;
  for (const auto& [word, count] : expected_) next_frequent += count >= least - 1;
  EXPECT_EQ(kept.size(), as_frequent);
  EXPECT_GT(next_frequent, options_.most_kept);
}

// Long words take what short ones leave: all those of a count, or none.
TEST_F(WordCounting, BoundsTheCharactersKept) {
  std::map<std::uint64_t, std::uint64_t, std::greater<>> characters;
  for (const auto& [word, count] : expected_) characters[count] += word.size();
  const auto second = std::next(characters.begin());
  options_.most_kept_characters = characters.begin()->second + second->second + 1;
  const Counts kept = counts_of(count_words(options_));
  std::size_t wanted = 0;
  for (const auto& [word, count] : expected_) wanted += count >= second->first;
  EXPECT_EQ(kept.size(), wanted);
}

TEST_F(WordCounting, Failures) {
  folder_.write("text/9.jsonl", "{\"body\": \"no text\"}\n");
  EXPECT_THROW(count_words(options_), Error);
  options_.input.paths = {(folder_ / "text" / "0.txt").string()};
  options_.scratch = folder_ / "missing";
  EXPECT_THROW(count_words(options_), Error);
}

TEST_F(WordCounting, ReportsProgress) {
  std::uint64_t last = 0, whole = 0;
  options_.workers = 2;
  options_.progress = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last);
    last = done;
    whole = total;
  };
  std::atomic<int> pieces = 0;
  options_.got_on = [&] { ++pieces; };
  const auto counted = count_words(options_);
  EXPECT_GE(pieces, 3 * static_cast<int>(counted.files));  // found, planned, read
  EXPECT_EQ(last, whole);
  EXPECT_GT(whole, 3'600'000u);
}

}  // namespace
}  // namespace bertha
