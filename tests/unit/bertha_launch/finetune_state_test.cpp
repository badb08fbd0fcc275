// Progress of fine-tuning through trainer_state.json and back, also as older programs wrote it.
#include "launch/finetune_state.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

FinetuneProgress through_json(const TrainerState& state) {
  return finetune_progress(trainer_state_from_json(trainer_state_to_json(state), "state"));
}

TEST(FinetuneState, ComesBackAsItWas) {
  FinetuneProgress progress;
  progress.step = 9;
  progress.updates = 7;
  progress.samples = 270;
  progress.tokens = 4321;
  progress.validations = {{{"loss", std::numeric_limits<double>::quiet_NaN()}, {"accuracy", 0.25}},
                          {{"loss", 0.5}, {"accuracy", 0.75}}};
  progress.best_epoch = 2;
  progress.best_score = 0.75;
  TrainerState state;
  store_progress(progress, state);
  const auto back = through_json(state);
  EXPECT_EQ(back.step, 9);
  EXPECT_EQ(back.updates, 7);
  EXPECT_EQ(back.samples, 270U);
  EXPECT_EQ(back.tokens, 4321U);
  ASSERT_EQ(back.validations.size(), 2U);
  EXPECT_TRUE(std::isnan(back.validations[0][0].second));
  EXPECT_EQ(back.validations[1], progress.validations[1]);
  EXPECT_EQ(back.best_epoch, 2);
  EXPECT_EQ(back.best_score, 0.75);
}

TEST(FinetuneState, OfOlderPrograms) {
  TrainerState state;
  state.step = 9;
  state.options["finetune.progress"] =
      R"({"validations": [{"epoch": 1, "loss": 0.5}], "best_epoch": 1, "best_score": -0.5})";
  EXPECT_EQ(through_json(state).updates, 9);
  EXPECT_EQ(through_json(state).best_epoch, 1);
  // They kept an epoch without a score for ever.
  state.options["finetune.progress"] =
      R"({"validations": [{"epoch": 1, "loss": null}], "best_epoch": 1, "best_score": null})";
  EXPECT_EQ(through_json(state).best_epoch, -1);
  EXPECT_TRUE(std::isnan(through_json(state).validations[0][0].second));
}

TEST(FinetuneState, OfPretrainingIsRefused) {
  EXPECT_THROW(through_json({}), Error);
}

}  // namespace
}  // namespace bertha
