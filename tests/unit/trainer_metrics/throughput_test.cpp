// Rates are of the interval since the last report; FLOPs follow the formula of the header.
#include "trainer/metrics/throughput.h"

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(Throughput, CountsTheFlopsOfASmallModelByHand) {
  // t = 3, sum l^2 = 5, m = 1, h = 2, i = 4, v = 10, one layer:
  // 2*3*(4*4 + 2*2*4) = 192; 4*2*5 = 40; 2*1*(4 + 20) = 48; three times their sum.
  EXPECT_EQ(training_flops({1, 2, 4, 10}, 3, 5, 1), 840);
  // A second layer adds 3 * (192 + 40).
  EXPECT_EQ(training_flops({2, 2, 4, 10}, 3, 5, 1), 840 + 696);
}

TEST(Throughput, DividesSumsByTimeAndStartsAgain) {
  Throughput throughput;
  throughput.add_step(1.5, 0.5, 300, 3, 6e9);
  throughput.add_step(0.5, 0.0, 100, 1, 2e9);
  const auto rates = throughput.take();
  EXPECT_DOUBLE_EQ(rates.tokens_per_second, 200);
  EXPECT_DOUBLE_EQ(rates.sequences_per_second, 2);
  EXPECT_DOUBLE_EQ(rates.flops_per_second, 4e9);
  EXPECT_DOUBLE_EQ(rates.data_wait_fraction, 0.25);

  throughput.add_step(2, 0, 10, 1, 0);
  EXPECT_DOUBLE_EQ(throughput.take().tokens_per_second, 5);
}

TEST(Throughput, WithoutStepsEverythingIsZero) {
  Throughput throughput;
  const auto rates = throughput.take();
  EXPECT_EQ(rates.tokens_per_second, 0);
  EXPECT_EQ(rates.data_wait_fraction, 0);
}

}  // namespace
}  // namespace bertha
