// What a run says at its start of options that it cannot follow to the letter.
#include "launch/run_outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/memory_plan.h"

namespace bertha {
namespace {

using ::testing::StartsWith;

TEST(RunOutline, SaysWhereTheRateOfDropoutIsRounded) {
  EXPECT_EQ(rounded_dropout(0.1, AttentionBy::tiles),
            "of attention 0.1016: model.attention_dropout 0.1 is rounded to 256ths by the kernels "
            "for heads of 64");
  EXPECT_THAT(rounded_dropout(0.0019, AttentionBy::tiles),
              StartsWith("of attention none at all: model.attention_dropout 0.0019 is "));
  for (const double exact : {0.0, 0.25, 26 / 256.0}) {
    EXPECT_EQ(rounded_dropout(exact, AttentionBy::tiles), "") << exact;
  }
  for (const auto kernels : {AttentionBy::plain, AttentionBy::library}) {
    EXPECT_EQ(rounded_dropout(0.1, kernels), "");
  }
}

// On a CPU, and wherever the reference path is taken, the rate is what was asked for.
TEST(RunOutline, TilesAttendOnlyOnGpusInBf16OnTheFusedPath) {
  RunConfig config;
  BertConfig model;
  config.trainer.train.precision = Precision::bf16;
  config.trainer.train.device = DeviceChoice::cpu;
  EXPECT_EQ(planned_attention(config, model), AttentionBy::plain);
  config.trainer.train.device = DeviceChoice::automatic;
  model.implementation = Implementation::reference;
  EXPECT_EQ(planned_attention(config, model), AttentionBy::plain);
}

}  // namespace
}  // namespace bertha
