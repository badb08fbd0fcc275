// Matrix products against sums in double, for every layout the model uses and awkward sizes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <omp.h>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/kernels/fused_kernels.h"

namespace bertha {
namespace {

std::vector<float> numbers(std::int64_t count, float phase) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i % 1009) * 1.7F + phase);
  }
  return values;
}

struct Shape {
  std::int64_t rows, columns, depth;
  bool left_transposed, right_transposed, add;
};

// The result and how far it is from the exact one, over the sum of the products' sizes.
struct Outcome {
  std::vector<float> result;
  double error = 0;
};

Outcome multiply_shape(const Shape& s) {
  const auto left = numbers(s.rows * s.depth, 0.1F), right = numbers(s.depth * s.columns, 0.9F);
  Outcome outcome{numbers(s.rows * s.columns, 0.5F)};
  const auto before = outcome.result;
  const ProductJob job{.left = left.data(),
                       .right = right.data(),
                       .result = outcome.result.data(),
                       .left_row = s.left_transposed ? 1 : s.depth,
                       .left_step = s.left_transposed ? s.rows : 1,
                       .right_row = s.right_transposed ? 1 : s.columns,
                       .right_column = s.right_transposed ? s.depth : 1,
                       .result_row = s.columns,
                       .rows = s.rows,
                       .columns = s.columns,
                       .depth = s.depth,
                       .add = s.add};
  multiply(job);
  for (std::int64_t i = 0; i < s.rows; ++i) {
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const auto at = static_cast<std::size_t>(i * s.columns + j);
      double sum = s.add ? before[at] : 0, size = std::abs(sum) + 1e-30;
      for (std::int64_t k = 0; k < s.depth; ++k) {
        const double a = job.left[i * job.left_row + k * job.left_step];
        const double b = job.right[k * job.right_row + j * job.right_column];
        sum += a * b;
        size += std::abs(a * b);
      }
      outcome.error = std::max(outcome.error, std::abs(sum - outcome.result[at]) / size);
    }
  }
  return outcome;
}

TEST(Product, MatchesSumsInDouble) {
  const std::int64_t sizes[][3] = {{1, 1, 1},    {8, 32, 16},    {7, 33, 5},    {65, 31, 193},
                                   {64, 64, 64}, {70, 100, 400}, {3, 2100, 10}, {130, 20, 385}};
  for (const auto& size : sizes) {
    for (int layout = 0; layout < 8; ++layout) {
      const Shape shape{size[0],           size[1],           size[2],
                        (layout & 1) != 0, (layout & 2) != 0, (layout & 4) != 0};
      // Each of `depth` additions rounds by at most 2^-24 of a partial sum, which is never more
      // than the sum of sizes.
      EXPECT_LE(multiply_shape(shape).error, static_cast<double>(size[2] + 1) * 0x1.0p-24)
          << size[0] << 'x' << size[1] << 'x' << size[2] << ", layout " << layout;
    }
  }
}

TEST(Product, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  for (const Shape& shape :
       {Shape{300, 70, 500, true, false, true}, Shape{130, 2100, 200, false, true, false}}) {
    omp_set_num_threads(1);
    const auto one = multiply_shape(shape).result;
    for (const int threads : {2, 3, 5}) {
      omp_set_num_threads(threads);
      EXPECT_EQ(multiply_shape(shape).result, one) << threads << " threads";
    }
  }
  omp_set_num_threads(before);
}

}  // namespace
}  // namespace bertha
