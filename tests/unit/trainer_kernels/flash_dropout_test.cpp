// Dropout of scores in attention by tensor cores: what share is dropped, and whether the mean
// stays.
#include "trainer/kernels/cuda/flash_dropout.h"

#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernel_inputs.h"
#include "trainer/kernels/flash_dropout_rate.h"

namespace bertha {
namespace {

constexpr std::int64_t kSequences = 32, kHeads = 8, kTokens = 64;
constexpr std::int64_t kSize = FlashAttentionJob::kHeadSize;
constexpr double kScores = kSequences * kHeads * kTokens * kTokens;
constexpr double kDeviations = 5;

// What was rounded to is given in 256ths, from the rate's definition.
struct Rate {
  double wanted;
  int rounded;
};
constexpr Rate kRates[] = {{0.002, 1}, {0.1, 26}, {0.5, 128}, {0.9, 230}};

// Of the values of each key, from 1 to 2: [sequences, 1, heads, keys].
at::Tensor sizes() {
  at::manual_seed(5);
  return (at::rand({kSequences, 1, kHeads, kSize}) + 1).to(at::kBFloat16);
}

class FlashDropout : public testing::TestWithParam<KernelDevice> {
 protected:
  void SetUp() override {
    if (GetParam() == KernelDevice::cuda && !cuda_here()) GTEST_SKIP() << "no CUDA device";
  }

  // What each score is multiplied by: [sequences, queries, heads, keys]. Queries and keys are zero,
  // so that all keys weigh the same, 1/64; key k has a value in column k alone.
  at::Tensor multipliers(double rate) const {
    const TestPlace place(GetParam());
    const auto size = sizes();
    const auto value = (at::eye(kSize, at::kBFloat16).view({1, kTokens, 1, kSize}) * size)
                           .contiguous()
                           .to(place.options(at::kBFloat16));
    const auto zeros = at::zeros_like(value), output = at::zeros_like(value);
    const auto log_sum = at::zeros({kHeads, kSequences * kTokens}, place.options(at::kFloat));
    std::vector<std::int32_t> offsets;
    std::vector<std::int64_t> numbers;
    for (std::int32_t s = 0; s <= kSequences; ++s) {
      offsets.push_back(s * static_cast<std::int32_t>(kTokens));
      if (s < kSequences) numbers.push_back(3 * s + 1);
    }
    const auto rows = place.list(offsets), samples = place.list(numbers);
    flash_attention_forward({.query_offsets = pointer<std::int32_t>(rows),
                             .key_offsets = pointer<std::int32_t>(rows),
                             .samples = pointer<std::uint64_t>(samples),
                             .sequences = kSequences,
                             .query_count = kSequences * kTokens,
                             .longest_queries = kTokens,
                             .longest_keys = kTokens,
                             .heads = kHeads,
                             .query = pointer<Bf16>(zeros),
                             .key = pointer<Bf16>(zeros),
                             .value = pointer<Bf16>(value),
                             .query_row = kHeads * kSize,
                             .key_row = kHeads * kSize,
                             .log_sum = pointer<float>(log_sum),
                             .output = pointer<Bf16>(output),
                             .dropout = {17, 3, 4, rate}},
                            place.place());
    return output.cpu().to(at::kDouble) * kTokens / size.to(at::kDouble);
  }
};

// Counts of dropped scores are binomial: within five deviations in all, and of every query and key.
void expect_share(const at::Tensor& values, double share) {
  const auto dropped = (values == 0).to(at::kDouble);
  const auto bound = [&](double count) {
    return kDeviations * std::sqrt(count * share * (1 - share));
  };
  EXPECT_NEAR(dropped.sum().item<double>(), kScores * share, bound(kScores));
  const double count = kScores / kTokens;
  for (const auto& sums : {dropped.sum(at::IntArrayRef{0, 2, 3}),     // by query
                           dropped.sum(at::IntArrayRef{0, 1, 2})}) {  // by key
    EXPECT_LE((sums - count * share).abs().max().item<double>(), bound(count));
  }
}

// What is kept is scaled by the rounded rate, to the bit of its one rounding to bf16. Without that
// rounding, whose mean effect is known, the mean of all is 1, as far as the binomial share is what
// it should be.
void expect_mean(const at::Tensor& values, double share) {
  const auto size = sizes().to(at::kDouble);
  const double scale = 1 / (1 - share);
  const auto scaled = (sizes().to(at::kFloat) * scale).to(at::kBFloat16).to(at::kDouble) / size;
  EXPECT_EQ(((values != 0).logical_and(values != scaled)).sum().item<std::int64_t>(), 0);
  const double rounding = scaled.mean().item<double>() / scale;
  EXPECT_NEAR(values.mean().item<double>() / rounding, 1,
              kDeviations * std::sqrt(share / (1 - share) / kScores));
}

TEST_P(FlashDropout, DropsTheRoundedShareAndKeepsTheMean) {
  for (const auto& rate : kRates) {
    SCOPED_TRACE(testing::Message() << "rate " << rate.wanted);
    const auto values = multipliers(rate.wanted);
    expect_share(values, rate.rounded / 256.0);
    expect_mean(values, rate.rounded / 256.0);
    EXPECT_EQ(flash_dropout_rate(rate.wanted), rate.rounded / 256.0);
  }
}

// Less than half a step is nothing at all; what is to be dropped is never everything.
TEST_P(FlashDropout, TheSmallestAndTheLargestRates) {
  EXPECT_TRUE((multipliers(0.0019) == 1).all().item<bool>());
  EXPECT_EQ(flash_dropout_rate(0.0019), 0);
  expect_share(multipliers(0.9999), 255 / 256.0);
  EXPECT_EQ(flash_dropout_rate(0.9999), 255 / 256.0);
}

INSTANTIATE_TEST_SUITE_P(Twin, FlashDropout, testing::Values(KernelDevice::twin));
INSTANTIATE_TEST_SUITE_P(Gpu, FlashDropout, testing::Values(KernelDevice::cuda));

// Of the 256 values of a byte those below the limit are dropped, in each of a word's four places.
TEST(FlashDropoutBytes, KeepsExactlyThoseFromTheLimitOn) {
  for (int limit = 1; limit < 256; ++limit) {
    const auto dropout = twin::byte_dropout({.rate = limit / 256.0});
    EXPECT_EQ(dropout.scale, 256.0F / static_cast<float>(256 - limit));
    for (int byte = 0; byte < 256; ++byte) {
      for (int place = 0; place < 32; place += 8) {
        const auto others = 0x5AA5C33CU & ~(0xFFU << place);
        const auto word = others | static_cast<std::uint32_t>(byte) << place;
        ASSERT_EQ((twin::kept_bytes(word, dropout) >> place & 0x80U) != 0, byte >= limit)
            << byte << " at " << place << ", limit " << limit;
      }
    }
  }
}

}  // namespace
}  // namespace bertha
