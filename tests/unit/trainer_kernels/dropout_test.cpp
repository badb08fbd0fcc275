// dropout_mask against its written definition, its statistics, and its independence of threads.
#include <algorithm>
#include <cmath>
#include <omp.h>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/philox.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

std::vector<float> mask_of(std::int64_t rows, std::int64_t columns, const DropoutMaskJob& job) {
  std::vector<float> mask(static_cast<std::size_t>(rows * columns), -1.0F);
  dropout_mask(mask.data(), rows, columns, columns, job);
  return mask;
}

// The definition in dropout.cpp, element by element.
float defined_multiplier(const DropoutMaskJob& job, std::uint32_t row, std::uint32_t column) {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto key =
      philox_block({low(job.step), low(job.step >> 32), job.site, 0}, low(job.seed),
                   low(job.seed >> 32) ^ static_cast<std::uint32_t>(5ULL * 0x85EBCA6BULL));
  const auto words =
      philox_block({column / 4, row, low(job.sample), low(job.sample >> 32)}, key[0], key[1]);
  const double share = words[column % 4] / 4294967296.0;
  return share < job.rate ? 0.0F : static_cast<float>(1.0 / (1.0 - job.rate));
}

const DropoutMaskJob kJob{.seed = 0x123456789ABCDEF0,
                          .step = 0x1FFFFFFFFF,
                          .site = 7,
                          .sample = 0xFEDCBA9876543210,
                          .rate = 0.25};

TEST(DropoutMask, IsWhatItsDefinitionSaysForAnyNumberOfColumns) {
  for (const std::int64_t columns : {1, 3, 4, 15, 16, 31, 32, 33, 64, 100, 129}) {
    auto job = kJob;
    job.first_row = columns;
    const auto mask = mask_of(3, columns, job);
    for (std::int64_t row = 0; row < 3; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        ASSERT_EQ(mask[static_cast<std::size_t>(row * columns + column)],
                  defined_multiplier(job, static_cast<std::uint32_t>(columns + row),
                                     static_cast<std::uint32_t>(column)))
            << columns << " columns, row " << row << ", column " << column;
      }
    }
  }
}

TEST(DropoutMask, DropsTheWantedShareAndKeepsTheMean) {
  constexpr std::int64_t kRows = 1000, kColumns = 768;
  constexpr double kCount = kRows * kColumns;
  for (const double rate : {0.1, 0.5, 0.9}) {
    auto job = kJob;
    job.rate = rate;
    const auto mask = mask_of(kRows, kColumns, job);
    const auto dropped = static_cast<double>(std::count(mask.begin(), mask.end(), 0.0F));
    const double deviation = std::sqrt(kCount * rate * (1 - rate));
    EXPECT_NEAR(dropped, kCount * rate, 5 * deviation) << rate;
    const auto others = std::count(mask.begin(), mask.end(), static_cast<float>(1 / (1 - rate)));
    EXPECT_EQ(dropped + static_cast<double>(others), kCount);
  }
}

// Neighbours in a row and rows above each other must not be correlated.
TEST(DropoutMask, NeighboursAreIndependent) {
  constexpr std::size_t kColumns = 512, kRows = 512;
  auto job = kJob;
  job.rate = 0.5;
  const auto mask = mask_of(kRows, kColumns, job);
  double beside = 0, below = 0;
  for (std::size_t i = 0; i + kColumns < mask.size(); ++i) {
    beside += (mask[i] - 1.0F) * (mask[i + 1] - 1.0F);
    below += (mask[i] - 1.0F) * (mask[i + kColumns] - 1.0F);
  }
  const double deviation = std::sqrt(static_cast<double>(mask.size()));
  EXPECT_LT(std::abs(beside), 5 * deviation);
  EXPECT_LT(std::abs(below), 5 * deviation);
}

TEST(DropoutMask, DependsOnEveryPartOfTheKey) {
  std::set<std::vector<float>> masks{mask_of(4, 64, kJob)};
  for (auto change :
       {+[](DropoutMaskJob& job) { job.seed += 1; },
        +[](DropoutMaskJob& job) { job.seed += 1ULL << 32; },
        +[](DropoutMaskJob& job) { job.step += 1; },
        +[](DropoutMaskJob& job) { job.step += 1ULL << 32; },
        +[](DropoutMaskJob& job) { job.site += 1; }, +[](DropoutMaskJob& job) { job.sample += 1; },
        +[](DropoutMaskJob& job) { job.sample += 1ULL << 32; },
        +[](DropoutMaskJob& job) { job.first_row += 1; }}) {
    auto job = kJob;
    change(job);
    EXPECT_TRUE(masks.insert(mask_of(4, 64, job)).second);
  }
}

TEST(DropoutMask, IsTheSameForAnyNumberOfThreadsAndPieces) {
  constexpr std::int64_t kRows = 300, kColumns = 301;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto one = mask_of(kRows, kColumns, kJob);
  omp_set_num_threads(5);
  const auto five = mask_of(kRows, kColumns, kJob);
  omp_set_num_threads(before);
  EXPECT_TRUE(one == five);

  auto job = kJob;
  job.first_row = 250;
  const auto piece = mask_of(50, kColumns, job);
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), one.begin() + 250 * kColumns));
}

TEST(DropoutMask, LeavesWhatLiesBetweenRowsAlone) {
  std::vector<float> out(3 * 50, -1.0F);
  dropout_mask(out.data(), 3, 37, 50, kJob);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 50 >= 37) {
      EXPECT_EQ(out[i], -1.0F);
    } else {
      EXPECT_GE(out[i], 0.0F);
    }
  }
}

TEST(DropoutMask, RefusesRatesThatAreNone) {
  for (const double rate : {-0.1, 1.0, std::nan("")}) {
    auto job = kJob;
    job.rate = rate;
    EXPECT_THROW(mask_of(1, 1, job), Error) << rate;
  }
  auto job = kJob;
  job.rate = 0.0;
  EXPECT_THAT(mask_of(2, 5, job), testing::Each(1.0F));
}

}  // namespace
}  // namespace bertha
