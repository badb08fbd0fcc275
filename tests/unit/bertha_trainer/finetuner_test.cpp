// The loop of fine-tuning with scores by script: which epochs are kept, when states are saved.
#include "trainer/finetuner.h"

#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

BertConfig small_config() {
  BertConfig config;
  config.vocabulary_size = 30;
  config.hidden_size = 16;
  config.layers = 1;
  config.attention_heads = 2;
  config.intermediate_size = 24;
  config.max_positions = 16;
  config.implementation = Implementation::reference;
  return config;
}

// Six texts of two classes; three steps of two an epoch.
ExampleSet six_examples() {
  ExampleSet set;
  set.rows = 6;
  for (std::int32_t i = 0; i < 6; ++i) {
    EncodedExample example;
    example.tokens = {2, 5 + i, 3};
    example.segments = {0, 0, 0};
    example.labels = {i % 2};
    example.number = static_cast<std::uint64_t>(i);
    set.sequences.push_back(std::move(example));
  }
  return set;
}

struct Events : MetricsSink {
  void write(const MetricsEvent& event) override { events.push_back(event); }
  std::vector<MetricsEvent> events;
};

// What a run did, and how it ended.
struct Seen {
  std::vector<std::int64_t> best_epochs, saved_steps;
  std::vector<std::string> events;
  FinetuneProgress progress;
  Outcome outcome = Outcome::completed;
  std::string error;
};

// `scores`: the accuracy that each validation finds.
Seen finetune(const std::vector<double>& scores, FinetunerOptions options,
              const FinetuneProgress& start = {}) {
  Seen seen;
  options.batch_size = 2;
  options.metric = "accuracy";
  options.progress = false;
  testing::run_thread_ranks(1, [&](Communicator& communicator) {
    LabelledTask task{
        small_config(), {Head::sequence, LossKind::cross_entropy, 2}, Precision::fp32, at::kCPU};
    task.parameters().initialize(0.1, 3);
    auto& space = task.parameters();
    const auto optimizer = make_optimizer({}, space, {0, space.size()}, {});
    LossScaler scaler(false);
    Watchdog watchdog{std::chrono::seconds(0)};
    TrainStepOptions step_options;
    step_options.schedule.total_steps = options.total_steps;
    TrainStep step({communicator, task, *optimizer, scaler, watchdog}, step_options);
    LabelledTaskDefinition definition;
    Events metrics;
    auto validation = six_examples();
    std::size_t validations = 0;
    validation.score = [&](const ExampleSet&, const Predictions&) {
      return Scores{{"accuracy", scores.at(validations++)}};
    };
    FinetunerCallbacks callbacks;
    callbacks.stop_requested = [] { return false; };
    callbacks.save_best = [&](const FinetuneProgress& best) {
      seen.best_epochs.push_back(best.best_epoch);
    };
    callbacks.save_state = [&](const FinetuneProgress& state) {
      seen.saved_steps.push_back(state.step);
    };
    Finetuner finetuner({communicator, definition, task, step, metrics, watchdog}, options,
                        callbacks, start);
    try {
      seen.outcome = finetuner.run(six_examples(), validation);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::internal);
      seen.error = error.message();
    }
    seen.progress = finetuner.progress();
    for (const auto& event : metrics.events) seen.events.push_back(event.event);
  });
  return seen;
}

FinetunerOptions epochs(std::int64_t count) {
  FinetunerOptions options;
  options.total_steps = 3 * count;
  options.log_every = 0;
  return options;
}

// What is no finite number is never the best, and never in the way of what comes after it.
TEST(Finetuner, KeepsTheBestOfFiniteScores) {
  const auto seen = finetune({kNan, 0.2, 0.5, kInfinity, 0.4}, epochs(5));
  EXPECT_EQ(seen.error, "");
  EXPECT_THAT(seen.best_epochs, ElementsAre(2, 3));
  EXPECT_EQ(seen.progress.best_epoch, 3);
  EXPECT_EQ(seen.progress.best_score, 0.5);
  EXPECT_EQ(seen.progress.validations.size(), 5U);
  EXPECT_THAT(seen.events, ElementsAre("validation", "warning", "validation", "validation",
                                       "validation", "warning", "validation"));
}

TEST(Finetuner, NoFiniteScoreAtAllIsAnError) {
  const auto seen = finetune({kNan, kNan}, epochs(2));
  EXPECT_THAT(seen.best_epochs, ElementsAre());
  EXPECT_THAT(seen.error, HasSubstr("accuracy was not a finite number in any of 2 epochs"));
  // Neither is there one when the same run is begun again.
  EXPECT_THAT(finetune({}, epochs(2), seen.progress).error, HasSubstr("in any of 2 epochs"));
}

TEST(Finetuner, PatienceCountsEpochsWithoutABest) {
  auto options = epochs(9);
  options.patience = 2;
  const auto seen = finetune({0.5, 0.4, 0.5, 0.9}, options);
  EXPECT_EQ(seen.progress.step, 9);
  EXPECT_EQ(seen.progress.best_epoch, 1);
  EXPECT_EQ(seen.progress.validations.size(), 3U);
  EXPECT_THAT(finetune({kNan, kNan, 0.9}, options).error, HasSubstr("in any of 2 epochs"));
  EXPECT_THAT(finetune({kNan, 0.1, 0.1, 0.1, 0.9}, options).progress.step, 4 * 3);
}

TEST(Finetuner, SavesWithinEpochsWhenAskedTo) {
  EXPECT_THAT(finetune({0.1, 0.2}, epochs(2)).saved_steps, ElementsAre(3, 6));
  auto options = epochs(2);
  options.save_every = 2;
  EXPECT_THAT(finetune({0.1, 0.2}, options).saved_steps, ElementsAre(2, 3, 4, 6));
  options.save_every = 1;
  options.stop_after = 4;
  const auto seen = finetune({0.1}, options);
  EXPECT_EQ(seen.outcome, Outcome::stopped);
  EXPECT_THAT(seen.saved_steps, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(seen.events, ElementsAre("validation", "stop"));
}

TEST(Finetuner, TrainLinesSayWhereTheRunIs) {
  auto options = epochs(1);
  options.log_every = 1;
  const auto seen = finetune({0.1}, options);
  EXPECT_THAT(seen.events, ElementsAre("train", "train", "train", "validation"));
  EXPECT_EQ(seen.progress.updates, 3);
  EXPECT_EQ(seen.progress.samples, 6U);
  EXPECT_EQ(seen.progress.tokens, 18U);
}

}  // namespace
}  // namespace bertha
