// The order of samples is a permutation without visible structure.
#include "data_pipeline/samples/sample_order.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

std::vector<std::uint64_t> all_of(const SampleOrder& order) {
  std::vector<std::uint64_t> samples;
  for (std::uint64_t i = 0; i < order.size(); ++i) samples.push_back(order.at(i));
  return samples;
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += x[i] * x[i];
    syy += y[i] * y[i];
    sxy += x[i] * y[i];
  }
  return (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

TEST(SampleOrder, IsAPermutationOfAnySize) {
  for (const std::uint64_t size : {1,  2,  3,  4,   5,    7,    8,    9,    15,   16,    17,
                                   63, 64, 65, 100, 1000, 1023, 1024, 1025, 4097, 65535, 65537}) {
    auto samples = all_of(SampleOrder(size, 3, 1));
    std::sort(samples.begin(), samples.end());
    for (std::uint64_t i = 0; i < size; ++i) ASSERT_EQ(samples[i], i) << size;
  }
}

TEST(SampleOrder, IsOneToOneInLargeRanges) {
  for (const std::uint64_t size :
       {(std::uint64_t{1} << 32) + 1, std::uint64_t{1} << 40, (std::uint64_t{1} << 40) - 12345}) {
    const SampleOrder order(size, 5, 0);
    std::set<std::uint64_t> seen;
    double sum = 0;
    constexpr int kPlaces = 20000;
    for (std::uint64_t i = 0; i < kPlaces; ++i) {
      const auto sample = order.at(i < kPlaces / 2 ? i : size - 1 - i);
      ASSERT_LT(sample, size);
      EXPECT_TRUE(seen.insert(sample).second);
      sum += static_cast<double>(sample) / static_cast<double>(size);
    }
    EXPECT_NEAR(sum / kPlaces, 0.5, 5 / std::sqrt(12.0 * kPlaces));
  }
}

TEST(SampleOrder, HasNoSerialCorrelation) {
  for (const std::uint64_t size : {50'000, 65'536, 100'003}) {
    const auto samples = all_of(SampleOrder(size, 7, 2));
    std::vector<double> values(samples.begin(), samples.end()), places;
    for (std::uint64_t i = 0; i < size; ++i) places.push_back(static_cast<double>(i));
    const double bound = 5 / std::sqrt(static_cast<double>(size));
    EXPECT_LT(std::abs(correlation(values, places)), bound);
    for (const std::size_t lag : {1, 2, 3, 16, 256}) {
      const auto distance = static_cast<std::ptrdiff_t>(lag);
      EXPECT_LT(std::abs(correlation({values.begin(), values.end() - distance},
                                     {values.begin() + distance, values.end()})),
                bound)
          << size << " lag " << lag;
    }
    // Neighbours of the corpus must not stay neighbours: two of n are with probability 2/n.
    int neighbours = 0;
    for (std::uint64_t i = 1; i < size; ++i) {
      neighbours += samples[i] + 1 == samples[i - 1] || samples[i - 1] + 1 == samples[i];
    }
    EXPECT_LE(neighbours, 2 + 5 * 1.5);
  }
}

// Not a shuffled window: where in the epoch a sample comes says nothing about where in the corpus
// it lies. Sixteenths of one against sixteenths of the other: chi-squared with 15 * 15 degrees of
// freedom, so mean 225 and deviation sqrt(450).
TEST(SampleOrder, PlacesAndSamplesAreIndependent) {
  constexpr std::uint64_t kParts = 16;
  for (const std::uint64_t size : {60'000, 65'536, 200'003}) {
    std::vector<double> counts(kParts * kParts), before(kParts * kParts);
    const SampleOrder order(size, 9, 4), other_epoch(size, 9, 5);
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto part = order.at(i) * kParts / size;
      ++counts[i * kParts / size * kParts + part];
      ++before[other_epoch.at(i) * kParts / size * kParts + part];  // two epochs, place by place
    }
    for (const auto& table : {counts, before}) {
      const double expected = static_cast<double>(size) / (kParts * kParts);
      double chi_squared = 0;
      for (const double count : table)
        chi_squared += (count - expected) * (count - expected) / expected;
      EXPECT_NEAR(chi_squared, 225, 5 * std::sqrt(450)) << size;
    }
  }
}

// Order statistics of a window: the samples of 100 places in a row, sorted, lie as 100 uniform
// numbers do, so the k-th of them is at k / 101 of the corpus on average (a Beta distribution).
TEST(SampleOrder, EveryWindowReachesOverTheWholeCorpus) {
  constexpr std::uint64_t kSize = 100'000, kWindow = 100, kWindows = kSize / kWindow;
  const SampleOrder order(kSize, 2, 0);
  std::vector<double> sums(kWindow);
  for (std::uint64_t w = 0; w < kWindows; ++w) {
    std::vector<std::uint64_t> window;
    for (std::uint64_t i = 0; i < kWindow; ++i) window.push_back(order.at(w * kWindow + i));
    std::sort(window.begin(), window.end());
    for (std::uint64_t k = 0; k < kWindow; ++k) sums[k] += static_cast<double>(window[k]) / kSize;
  }
  for (std::uint64_t k = 0; k < kWindow; ++k) {
    const double mean = static_cast<double>(k + 1) / (kWindow + 1);
    const double deviation = std::sqrt(mean * (1 - mean) / (kWindow + 2) / kWindows);
    EXPECT_NEAR(sums[k] / kWindows, mean, 5 * deviation) << k;
  }
}

TEST(SampleOrder, EpochsAndSeedsAndPurposesDiffer) {
  const auto base = all_of(SampleOrder(10'000, 7, 0));
  EXPECT_EQ(base, all_of(SampleOrder(10'000, 7, 0)));
  for (const auto& other : {all_of(SampleOrder(10'000, 7, 1)), all_of(SampleOrder(10'000, 8, 0)),
                            all_of(SampleOrder(10'000, 7, 0, RandomPurpose::labelled_order))}) {
    int same = 0;  // of two random permutations: Poisson with mean 1
    for (std::size_t i = 0; i < base.size(); ++i) same += base[i] == other[i];
    EXPECT_LE(same, 8);
  }
}

TEST(SampleOrder, SmallSizesComeInAllOrders) {
  constexpr std::uint64_t kSize = 5;
  constexpr int kEpochs = 24'000;
  std::vector<int> counts(kSize * kSize);
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const SampleOrder order(kSize, 1, epoch);
    orders.insert(all_of(order));
    for (std::uint64_t i = 0; i < kSize; ++i) ++counts[i * kSize + order.at(i)];
  }
  EXPECT_EQ(orders.size(), 120U);
  for (const int count : counts) EXPECT_TRUE(binomial(count, kEpochs, 1.0 / kSize));
}

}  // namespace
}  // namespace bertha
