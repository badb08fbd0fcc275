// Random numbers: the published known answers of Philox4x32-10, and what the streams promise.
#include "parallel/base/philox.h"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

// Random123's tests/kat_vectors, the lines `philox4x32 10`: zeros, ones, digits of pi.
TEST(Philox, GivesThePublishedKnownAnswers) {
  EXPECT_EQ(philox_block({0, 0, 0, 0}, 0, 0),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox_block({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// With purpose 0 the key is the seed itself, so a stream's blocks are the generator's own.
TEST(Philox, LaysStreamsOutOnTheCounterAsTheHeaderSays) {
  const Philox zeros(0, static_cast<RandomPurpose>(0), 0);
  EXPECT_EQ(zeros.block(0), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const Philox pi(0x299f31d0a4093822, static_cast<RandomPurpose>(0), 0x0370734413198a2e,
                  0x85a308d3);
  EXPECT_EQ(pi.block(0x243f6a88), (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, NumbersComeInBlockOrder) {
  Philox random(7, RandomPurpose::masking, 3, 1);
  const auto first = random.block(0), second = random.block(1);
  for (const auto number : first) EXPECT_EQ(random.next_u32(), number);
  EXPECT_EQ(random.next_u64(), std::uint64_t{second[0]} << 32 | second[1]);
}

TEST(Philox, EverythingThatNamesAStreamChangesIt) {
  std::set<PhiloxBlock> blocks;
  for (const std::uint64_t seed : {1ULL, 2ULL, 1ULL << 32}) {
    for (const auto purpose : {RandomPurpose::sample_order, RandomPurpose::dropout}) {
      for (const std::uint64_t stream : {0ULL, 5ULL, 5ULL << 32}) {
        for (const std::uint32_t substream : {0U, 1U}) {
          for (const std::uint32_t block : {0U, 1U}) {
            blocks.insert(Philox(seed, purpose, stream, substream).block(block));
          }
        }
      }
    }
  }
  EXPECT_EQ(blocks.size(), 3U * 2U * 3U * 2U * 2U);
}

TEST(Philox, DoublesFillTheUnitIntervalEvenly) {
  Philox random(1, RandomPurpose::dropout, 0);
  constexpr int kDraws = 100'000;
  std::vector<int> bins(10);
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.next_double();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++bins[static_cast<std::size_t>(value * 10)];
  }
  // Chi-squared with 9 degrees of freedom: 27.88 is passed with probability 0.001.
  double chi_squared = 0;
  for (const int count : bins) chi_squared += (count - 1e4) * (count - 1e4) / 1e4;
  EXPECT_LT(chi_squared, 27.88);
}

TEST(Philox, BoundedNumbersReachEveryValueAlikeAndNoOther) {
  Philox random(2, RandomPurpose::masking, 0);
  EXPECT_EQ(random.next_below(1), 0U);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts.at(random.next_below(7));
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 1e4) * (count - 1e4) / 1e4;
  EXPECT_LT(chi_squared, 22.46);                 // 6 degrees of freedom, probability 0.001
  const std::uint64_t large = (1ULL << 63) + 1;  // nearly half of all draws must be drawn again
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.next_below(large), large);
}

TEST(Philox, SkipsAsDrawingDoes) {
  for (int before = 0; before < 6; ++before) {
    for (int skipped = 0; skipped < 20; ++skipped) {
      Philox drawn(3, RandomPurpose::masking, 5), jumped = drawn;
      for (int i = 0; i < before; ++i) EXPECT_EQ(drawn.next_u32(), jumped.next_u32());
      for (int i = 0; i < skipped; ++i) drawn.next_u32();
      jumped.skip(static_cast<std::uint64_t>(skipped));
      for (int i = 0; i < 6; ++i) EXPECT_EQ(drawn.next_u32(), jumped.next_u32()) << skipped;
    }
  }
}

}  // namespace
}  // namespace bertha
