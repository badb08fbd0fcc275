// Streams side by side give what streams one by one give, in every way that this processor has.
#include "parallel/base/philox_streams.h"

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(PhiloxStreams, DrawAsStreamsOneByOne) {
  const auto ways = first_number_ways();
  for (std::size_t way = 0; way < ways.size(); ++way) {
    for (std::uint64_t round = 0; round < 200; ++round) {
      Philox any(5, RandomPurpose::sample_order, round);
      const auto seed = any.next_u64();
      PhiloxStreams of{philox_key(seed, RandomPurpose::sentence_pairs), any.next_u32(), {}};
      for (auto& stream : of.streams) stream = any.next_u64();
      of.streams[round % kStreamsAtOnce] = round % 2 == 0 ? 0 : ~std::uint64_t{0};
      FirstNumbers four{}, two{};
      ways[way].four(of, four);
      ways[way].two(of, two);
      for (std::size_t s = 0; s < kStreamsAtOnce; ++s) {
        Philox one(seed, RandomPurpose::sentence_pairs, of.streams[s], of.substream);
        for (std::size_t n = 0; n < four.size(); ++n) {
          const auto number = one.next_u64();
          ASSERT_EQ(four[n][s], number) << "way " << way << ", stream " << s << ", number " << n;
          ASSERT_EQ(two[n][s], n < 2 ? number : 0) << "way " << way << ", stream " << s;
        }
      }
    }
  }
}

// Random123's tests/kat_vectors, line `philox4x32 10` of zeros.
TEST(PhiloxStreams, GiveThePublishedKnownAnswers) {
  for (const auto& way : first_number_ways()) {
    FirstNumbers numbers;
    way.four({{0, 0}, 0, {}}, numbers);
    for (std::size_t s = 0; s < kStreamsAtOnce; ++s) {
      EXPECT_EQ(numbers[0][s], 0x6627e8d5e169c58dU);
      EXPECT_EQ(numbers[1][s], 0xbc57ac4c9b00dbd8U);
    }
  }
}

}  // namespace
}  // namespace bertha
