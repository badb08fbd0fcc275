// What fine-tuning checks and counts before anything is built: its length, its warm-up.
#include "launch/finetune_setup.h"

#include <limits>

#include <gmock/gmock.h>

#include "launch/schedule_setup.h"
#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

using ::testing::HasSubstr;

class FinetuneSetup : public OptionTest {
 protected:
  static RunConfig config(std::vector<std::string> more) {
    std::vector<std::string> arguments{"--train.init",   "m",   "--task.train", "t.tsv",
                                       "--train.output", "out", "--task.name",  "regression"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return read(arguments, "finetune");
  }
  static std::string refusal(const std::vector<std::string>& more) {
    try {
      check_finetuning(config(more));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    return "no error";
  }
};

TEST_F(FinetuneSetup, LengthsThatAreNone) {
  EXPECT_EQ(refusal({}), "no error");
  EXPECT_EQ(refusal({"--task.epochs", "0.1", "--task.patience", "3"}), "no error");
  for (const std::string epochs : {"0", "-1", "1e+30"}) {
    EXPECT_EQ(refusal({"--task.epochs", epochs}),
              "task.epochs = " + epochs + ": expected a number above 0, at most 1000000");
  }
  EXPECT_THAT(refusal({"--task.patience", "-1"}), HasSubstr("task.patience = -1: expected"));
  EXPECT_THAT(refusal({"--train.steps", "-5"}), HasSubstr("expected a number at least 0"));
}

// What is written into resolved.ini is what computed.
TEST_F(FinetuneSetup, FrozenLayersTakeTheReferencePath) {
  const auto path = [](const char* frozen, const std::string& asked) {
    const auto used = with_path_of_frozen_layers(
        config({"--task.freeze_layers", frozen, "--model.implementation", asked}), {});
    EXPECT_EQ(used.resolved.at("model.implementation"), used.trainer.model.implementation);
    return used.trainer.model.implementation;
  };
  EXPECT_EQ(path("1", "fused"), "reference");
  EXPECT_EQ(path("0", "fused"), "fused");
  EXPECT_EQ(path("1", "auto"), "auto");
  EXPECT_EQ(path("1", "reference"), "reference");
}

TEST_F(FinetuneSetup, StepsOfEpochs) {
  EXPECT_EQ(finetuning_steps(config({"--task.epochs", "2.5"}), 7), 18);  // 17.5
  EXPECT_EQ(finetuning_steps(config({"--task.epochs", "0.01"}), 7), 1);
  EXPECT_EQ(finetuning_steps(config({"--train.steps", "5"}), 7), 5);
}

TEST(ResolveSchedule, WarmUpStepsWinOverTheFraction) {
  TrainerConfig config;
  config.schedule.warmup_fraction = 0.1;
  EXPECT_EQ(resolve_schedule(config, 110).warmup_steps, 11);
  EXPECT_EQ(resolve_schedule(config, 110).total_steps, 110);
  for (const std::int64_t steps : {0, 3, 200}) {
    config.schedule.warmup_steps = steps;
    EXPECT_EQ(resolve_schedule(config, 110).warmup_steps, steps);
  }
  config.schedule.warmup_steps = -1;
  config.schedule.warmup_fraction = 0;
  EXPECT_EQ(resolve_schedule(config, 110).warmup_steps, 0);
  config.schedule.warmup_fraction = 1;
  EXPECT_EQ(resolve_schedule(config, 110).warmup_steps, 110);
}

TEST(ResolveSchedule, RefusesAWarmUpThatIsNone) {
  const auto refusal = [](std::int64_t steps, double fraction) {
    TrainerConfig config;
    config.schedule.warmup_steps = steps;
    config.schedule.warmup_fraction = fraction;
    try {
      resolve_schedule(config, 110);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal(-1, 1.5), HasSubstr("schedule.warmup_fraction = 1.5: expected"));
  EXPECT_THAT(refusal(-1, -0.2), HasSubstr("schedule.warmup_fraction = -0.2: expected"));
  EXPECT_THAT(refusal(-1, std::numeric_limits<double>::quiet_NaN()), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refusal(-2, 0.1), HasSubstr("schedule.warmup_steps = -2: expected"));
}

}  // namespace
}  // namespace bertha
