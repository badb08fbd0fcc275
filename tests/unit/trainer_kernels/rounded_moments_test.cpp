// Moments in bf16: each is one of the two next to the fp32 result, up as often as it lies near it.
#include <bit>
#include <cmath>
#include <cstdint>
#include <omp.h>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/base/philox.h"
#include "tests/unit/trainer_kernels/moment_buffers.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

float widened(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
Bf16 truncated(float value) {
  return {static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)};
}

// An optimizer's buffers twice: moments in bf16, and the same numbers in fp32.
struct RoundedBuffers {
  MomentBuffers wide;
  std::vector<Bf16> first, second;

  explicit RoundedBuffers(std::size_t count) : wide(count) { take_moments(); }
  void take_moments() {
    first.clear();
    second.clear();
    for (auto& value : wide.first) value = widened(first.emplace_back(truncated(value)));
    for (auto& value : wide.second) value = widened(second.emplace_back(truncated(value)));
  }
  template <class Job>
  Job job(std::int64_t first_element = 0) {
    auto job = wide.job<Job>();
    job.first_moment = job.second_moment = nullptr;
    job.rounded = {first.data(), second.data(), 77, first_element};
    return job;
  }
};

bool same(const std::vector<Bf16>& a, const std::vector<Bf16>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].bits != b[i].bits) return false;
  }
  return true;
}

// 16 random bits of an element, as the definition has them.
std::uint32_t random_half(std::uint64_t element, std::uint32_t step, bool of_second) {
  const auto key = 9U * 0x85EBCA6BU;  // RandomPurpose::moment_rounding
  const auto words = philox_block({static_cast<std::uint32_t>(element / 4),
                                   static_cast<std::uint32_t>(element / 4 >> 32), step, 0},
                                  77, key);
  return of_second ? words[element % 4] >> 16 : words[element % 4] & 0xFFFFU;
}

std::uint16_t rounded_by(float value, std::uint32_t random) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool up = (bits & 0xFFFFU) + random >= 0x10000U;
  return static_cast<std::uint16_t>((bits >> 16) + (up ? 1 : 0));
}

TEST(RoundedMoments, RoundTheFp32ResultByTheDefinition) {
  for (const std::size_t count : {1U, 31U, 203U, 2048U, 40001U}) {
    for (const std::int64_t first_element :
         {std::int64_t{0}, std::int64_t{64}, std::int64_t{7}, (std::int64_t{1} << 34) - 128}) {
      RoundedBuffers buffers(count);
      auto wide = buffers.wide;
      adamw_update(wide.job<AdamWJob>());
      adamw_update(buffers.job<AdamWJob>(first_element));
      EXPECT_EQ(buffers.wide.weights, wide.weights) << "weights see moments before rounding";
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto element = static_cast<std::uint64_t>(first_element) + i;
        wrong += buffers.first[i].bits != rounded_by(wide.first[i], random_half(element, 5, false));
        wrong +=
            buffers.second[i].bits != rounded_by(wide.second[i], random_half(element, 5, true));
      }
      EXPECT_EQ(wrong, 0U) << count << " elements from " << first_element;
    }
  }
}

TEST(RoundedMoments, OfLambAreThoseOfAdamW) {
  RoundedBuffers lamb(5003);
  auto adamw = lamb, wide = lamb;
  const auto sums = lamb_moments(lamb.job<LambJob>(128));
  adamw_update(adamw.job<AdamWJob>(128));
  EXPECT_TRUE(same(lamb.first, adamw.first) && same(lamb.second, adamw.second));
  EXPECT_EQ(lamb.wide.weights, wide.wide.weights) << "the first pass touches moments only";
  const auto expected = lamb_moments(wide.wide.job<LambJob>());  // before rounding
  EXPECT_NEAR(sums.weights, expected.weights, 1e-12 * expected.weights);
  EXPECT_NEAR(sums.update, expected.update, 1e-12 * expected.update);

  // The second pass: fp32's, with the rounded moments.
  const auto before = lamb;
  for (std::size_t i = 0; i < lamb.first.size(); ++i) {
    wide.wide.first[i] = widened(lamb.first[i]);
    wide.wide.second[i] = widened(lamb.second[i]);
  }
  lamb_weights(lamb.job<LambJob>(128), 3e-3);
  lamb_weights(wide.wide.job<LambJob>(), 3e-3);
  EXPECT_EQ(lamb.wide.weights, wide.wide.weights);
  EXPECT_TRUE(same(lamb.first, before.first) && same(lamb.second, before.second));
}

TEST(RoundedMoments, DoNotDependOnThreadsOrPlace) {
  RoundedBuffers one(100'001);
  auto five = one;
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  adamw_update(one.job<AdamWJob>());
  omp_set_num_threads(5);
  adamw_update(five.job<AdamWJob>());
  omp_set_num_threads(threads);
  EXPECT_TRUE(same(one.first, five.first) && same(one.second, five.second));

  RoundedBuffers whole(100'001);
  for (const std::size_t cut : {4U, 4097U}) {
    auto part = whole, all = whole;
    auto* values = &part.wide;
    for (auto* floats : {&values->weights, &values->gradient, &values->first, &values->second}) {
      floats->erase(floats->begin(), floats->begin() + static_cast<std::ptrdiff_t>(cut));
    }
    part.take_moments();
    adamw_update(part.job<AdamWJob>(static_cast<std::int64_t>(cut)));
    adamw_update(all.job<AdamWJob>());
    all.first.erase(all.first.begin(), all.first.begin() + static_cast<std::ptrdiff_t>(cut));
    all.second.erase(all.second.begin(), all.second.begin() + static_cast<std::ptrdiff_t>(cut));
    EXPECT_TRUE(same(part.first, all.first) && same(part.second, all.second)) << cut;
  }
}

// 200,000 elements whose fp32 result is the same: how often each is rounded up, and whether what
// happens to a first moment tells of the second, of the neighbour or of the next step. Bounds are
// five standard deviations.
TEST(RoundedMoments, AreUnbiasedAndIndependent) {
  constexpr std::size_t kCount = 200'000;
  const double n = kCount;
  RoundedBuffers buffers(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    buffers.wide.gradient[i] = 0.731F;
    buffers.wide.first[i] = -0.25F;
    buffers.wide.second[i] = 0.125F;
  }
  std::vector<std::vector<double>> ups;  // first and second of two steps, centred
  for (const std::int64_t step : {5, 6}) {
    buffers.take_moments();
    auto wide = buffers.wide;
    adamw_update(wide.job<AdamWJob>());
    auto job = buffers.job<AdamWJob>();
    job.step = step;
    adamw_update(job);
    for (const bool of_second : {false, true}) {
      const float exact = of_second ? wide.second[0] : wide.first[0];
      const auto low_half = std::bit_cast<std::uint32_t>(exact) & 0xFFFFU;
      const double share = low_half / 65536.0;  // away from zero so often
      ASSERT_GT(share, 0.05);
      ASSERT_LT(share, 0.95);
      auto& up = ups.emplace_back();
      double sum = 0;
      for (const auto value : of_second ? buffers.second : buffers.first) {
        const int away = value.bits - truncated(exact).bits;
        ASSERT_TRUE(away == 0 || away == 1);
        up.push_back(away - share);
        sum += widened(value);
      }
      const double place =
          std::abs(widened({static_cast<std::uint16_t>(truncated(exact).bits + 1)}) -
                   widened(truncated(exact)));
      const double deviation = place * std::sqrt(share * (1 - share) / n);
      EXPECT_NEAR(sum / n, exact, 5 * deviation) << "second " << of_second << ", step " << step;
    }
  }
  const auto correlation = [&](const std::vector<double>& a, const std::vector<double>& b,
                               std::size_t shift) {
    double both = 0, of_a = 0, of_b = 0;
    for (std::size_t i = 0; i + shift < kCount; ++i) {
      both += a[i] * b[i + shift];
      of_a += a[i] * a[i];
      of_b += b[i + shift] * b[i + shift];
    }
    return both / std::sqrt(of_a * of_b);
  };
  const double bound = 5 / std::sqrt(n);
  EXPECT_LT(std::abs(correlation(ups[0], ups[1], 0)), bound) << "first and second";
  EXPECT_LT(std::abs(correlation(ups[0], ups[2], 0)), bound) << "one step and the next";
  for (const std::size_t shift : {1U, 2U, 4U, 8U, 16U, 32U}) {
    EXPECT_LT(std::abs(correlation(ups[0], ups[0], shift)), bound) << "neighbours " << shift;
    EXPECT_LT(std::abs(correlation(ups[1], ups[1], shift)), bound) << "neighbours " << shift;
  }
}

// Every change is far below half a last place of bf16: to the nearest nothing would ever move.
TEST(RoundedMoments, FollowChangesTooSmallForThem) {
  constexpr std::size_t kCount = 4096;
  RoundedBuffers buffers(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    buffers.wide.gradient[i] = 1.1F;
    buffers.wide.first[i] = 0;
    buffers.wide.second[i] = 1.0F;
  }
  buffers.take_moments();
  auto wide = buffers.wide;
  for (int step = 1; step <= 300; ++step) {
    for (const bool rounds : {false, true}) {
      auto job = rounds ? buffers.job<AdamWJob>() : wide.job<AdamWJob>();
      job.gradient_scale = 1;
      job.step = step;
      adamw_update(job);
    }
  }
  // One step moves 1 by 0.001 * (1.21 - 1) = 0.00021; half a last place is 0.0039.
  ASSERT_NEAR(wide.second[0], 1.21 - 0.21 * std::pow(0.999, 300), 1e-4);
  double sum = 0, squares = 0;
  for (const auto value : buffers.second) {
    sum += widened(value);
    squares += static_cast<double>(widened(value)) * widened(value);
  }
  const double mean = sum / kCount;
  const double deviation = std::sqrt((squares / kCount - mean * mean) / kCount);
  EXPECT_NEAR(mean, wide.second[0], 5 * deviation);
  EXPECT_LT(deviation, 1e-3);
}

}  // namespace
}  // namespace bertha
