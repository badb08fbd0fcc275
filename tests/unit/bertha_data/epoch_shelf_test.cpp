// Epochs are made once, the next one in the background; never more than two are held.
#include "data_pipeline/epoch_shelf.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/batch_stream.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using namespace std::chrono_literals;

class OneSequence : public SampleMaker {
 public:
  explicit OneSequence(std::uint64_t number) : number_(number) {}
  void append_to(SequenceList& list) const override {
    auto& draft = list.draft();
    draft.sequence.tokens = {2, 7, 3};
    draft.sequence.segments = {0, 0, 0};
    draft.sample_number = number_;
    list.append_draft();
  }

 private:
  std::uint64_t number_;
};

// Epochs of 160 samples; who made them, and how many are alive.
class Shelf : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSize = 160, kNextFrom = 150;

  SampleSource source() {
    return [this](std::uint32_t epoch) {
      if (epoch == fails_) throw Error(ErrorKind::bad_data, "no such epoch");
      {
        const std::lock_guard lock(mutex_);
        makers_.emplace_back(epoch, std::this_thread::get_id());
      }
      most_alive_ = std::max(most_alive_.load(), ++alive_);
      const std::shared_ptr<EpochSamples> samples(new EpochSamples, [this](EpochSamples* gone) {
        --alive_;
        delete gone;
      });
      samples->size = kSize;
      samples->number_at = [](std::uint64_t place) { return place; };
      samples->plan = [](std::span<const std::uint64_t> numbers, std::span<PlannedSample> planned) {
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          planned[i] = {3, std::make_unique<OneSequence>(numbers[i])};
        }
      };
      samples->next_wanted_from = kNextFrom;
      samples->expect_first = [this] { ++expected_; };
      return samples;
    };
  }
  bool was_made(std::uint32_t epoch) {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(makers_, [&](const auto& made) { return made.first == epoch; });
  }
  bool is_made_soon(std::uint32_t epoch) {
    for (int i = 0; i < 10'000 && !was_made(epoch); ++i) std::this_thread::sleep_for(1ms);
    return was_made(epoch);
  }

  std::mutex mutex_;
  std::vector<std::pair<std::uint32_t, std::thread::id>> makers_;
  std::atomic<int> alive_{0}, most_alive_{0}, expected_{0};
  std::uint32_t fails_ = 1000;
};

TEST_F(Shelf, MakesEpochsOnce) {
  EpochShelf shelf(source());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(shelf.get(4)->size, kSize);
    EXPECT_EQ(shelf.size_of(4), kSize);
  }
  EXPECT_EQ(makers_.size(), 1U);
}

TEST_F(Shelf, MakesTheNextOneInTheBackground) {
  EpochShelf shelf(source());
  shelf.get(0);
  shelf.make_ahead(1);
  shelf.make_ahead(1);
  ASSERT_TRUE(is_made_soon(1));
  EXPECT_EQ(shelf.get(1)->size, kSize);
  ASSERT_EQ(makers_.size(), 2U);
  EXPECT_NE(makers_[1].second, std::this_thread::get_id());
  EXPECT_EQ(expected_, 1);
}

TEST_F(Shelf, ThrowsWhatTheBackgroundThrew) {
  fails_ = 1;
  EpochShelf shelf(source());
  shelf.get(0);
  shelf.make_ahead(1);
  EXPECT_THROW(shelf.get(1), Error);
  EXPECT_EQ(shelf.get(0)->size, kSize);
}

// The next epoch is begun before a batch needs it.
TEST_F(Shelf, AStreamHasTheNextEpochReady) {
  BatchOptions options;
  options.global_batch = 12;
  options.prefetch = 0;
  BatchStream stream(source(), {}, options, {}, {});
  for (int step = 0; step < 12; ++step) stream.next();
  EXPECT_FALSE(was_made(1));
  stream.next();  // up to 156 of 160
  ASSERT_TRUE(is_made_soon(1));
  for (int step = 0; step < 200; ++step) {
    for (const auto& batch : stream.next().micro_batches) EXPECT_EQ(batch.sequence_count(), 12);
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < makers_.size(); ++i) {
    EXPECT_EQ(makers_[i].first, i);
    EXPECT_EQ(makers_[i].second == std::this_thread::get_id(), i == 0) << i;
  }
  EXPECT_LE(most_alive_, 2);
}

}  // namespace
}  // namespace bertha
