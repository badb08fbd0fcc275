// train.precision = auto.
#include "launch/precision_choice.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "launch/options.h"

namespace bertha {
namespace {

TrainOptions settled(const std::string& command, bool bfloat16,
                     PrecisionChoice choice = PrecisionChoice::automatic) {
  TrainOptions train;
  train.precision_choice = choice;
  settle_precision(command, train, [bfloat16](DeviceChoice) { return bfloat16; });
  return train;
}

TEST(PrecisionChoice, AutoIsBfloat16WhereTheMachineIsMadeForIt) {
  for (const char* command : {"pretrain", "finetune", "plan"}) {
    EXPECT_EQ(settled(command, true).precision, Precision::bf16) << command;
    EXPECT_EQ(settled(command, true).precision_choice, PrecisionChoice::bf16) << command;
    EXPECT_EQ(settled(command, false).precision, Precision::fp32) << command;
  }
}

TEST(PrecisionChoice, WhatIsPrintedDoesNotDependOnTheMachine) {
  for (const char* command : {"evaluate", "predict", "export"}) {
    EXPECT_EQ(settled(command, true).precision, Precision::fp32) << command;
  }
}

TEST(PrecisionChoice, TheMachineIsAskedOnlyWhereItMatters) {
  const auto nobody_asks = [](DeviceChoice) -> bool { throw std::logic_error("asked"); };
  TrainOptions given, elsewhere, open;
  given.precision_choice = PrecisionChoice::fp32;
  EXPECT_NO_THROW(settle_precision("pretrain", given, nobody_asks));
  EXPECT_NO_THROW(settle_precision("verify", elsewhere, nobody_asks));
  EXPECT_THROW(settle_precision("pretrain", open, nobody_asks), std::logic_error);
}

TEST(PrecisionChoice, WhatIsAskedForIsTaken) {
  EXPECT_EQ(settled("pretrain", true, PrecisionChoice::fp32).precision, Precision::fp32);
  EXPECT_EQ(settled("pretrain", false, PrecisionChoice::bf16).precision, Precision::bf16);
  EXPECT_EQ(settled("predict", false, PrecisionChoice::bf16).precision, Precision::bf16);
  EXPECT_EQ(settled("finetune", true, PrecisionChoice::fp16).precision, Precision::fp16);
}

TEST(PrecisionChoice, TheRecordsNameWhatIsUsed) {
  const bool made_for_it = computes_in_bfloat16(DeviceChoice::automatic);
  const auto config = read_options("pretrain", {});
  EXPECT_EQ(config.resolved.at("train.precision"), made_for_it ? "bf16" : "fp32");
  EXPECT_EQ(read_options("predict", {}).resolved.at("train.precision"), "fp32");
}

}  // namespace
}  // namespace bertha
