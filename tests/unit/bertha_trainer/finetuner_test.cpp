// The loop of fine-tuning with scores by script: which epochs are kept, when states are saved.
#include "trainer/finetuner.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"
#include "trainer/tasks/answer_scores.h"
#include "trainer/tasks/entity_scores.h"
#include "trainer/tasks/labelled/task_table.h"
#include "trainer/tasks/scores.h"

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
  std::optional<ErrorKind> kind;  // of the error
};

// `scores`: what each validation finds. `own_metric`: what the task's epoch is chosen by when
// options.metric is auto. `stop_in`: the number of the step in which a stop is asked for;
// below 0: the best is chosen anew, too.
Seen finetune_by(const std::vector<Scores>& scores, FinetunerOptions options,
                 const std::string& own_metric, const FinetuneProgress& start = {},
                 int stop_in = 0) {
  Seen seen;
  int steps = 0;
  options.batch_size = 2;
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
    definition.metric = own_metric;
    Events metrics;
    auto validation = six_examples();
    std::size_t validations = 0;
    validation.score = [&](const ExampleSet&, const Predictions&) {
      return scores.at(validations++);
    };
    FinetunerCallbacks callbacks;
    callbacks.stop_requested = [&] { return ++steps == stop_in; };
    callbacks.save_best = [&](const FinetuneProgress& best) {
      seen.best_epochs.push_back(best.best_epoch);
    };
    callbacks.save_state = [&](const FinetuneProgress& state) {
      seen.saved_steps.push_back(state.step);
      return std::filesystem::path("checkpoints") / std::to_string(state.step);
    };
    Finetuner finetuner({communicator, definition, task, step, metrics, watchdog}, options,
                        callbacks, start);
    try {
      if (stop_in < 0) finetuner.choose_anew(3);
      seen.outcome = finetuner.run(six_examples(), validation);
    } catch (const Error& error) {
      seen.error = error.message();
      seen.kind = error.kind();
    }
    seen.progress = finetuner.progress();
    for (const auto& event : metrics.events) seen.events.push_back(event.event);
  });
  return seen;
}

// `scores`: the accuracy that each validation finds.
Seen finetune(const std::vector<double>& scores, FinetunerOptions options,
              const FinetuneProgress& start = {}, int stop_in = 0) {
  std::vector<Scores> named;
  for (const double score : scores) named.push_back({{"accuracy", score}});
  options.metric = "accuracy";
  return finetune_by(named, options, "accuracy", start, stop_in);
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
  EXPECT_THAT(seen.events,
              ElementsAre("validation", "warning", "save", "validation", "save", "validation",
                          "save", "validation", "warning", "save", "validation", "save"));
}

TEST(Finetuner, NoFiniteScoreAtAllIsAnError) {
  const auto seen = finetune({kNan, kNan}, epochs(2));
  EXPECT_THAT(seen.best_epochs, ElementsAre());
  EXPECT_EQ(seen.kind, ErrorKind::internal);
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

// The scores of some tasks as their own functions name them, in three epochs: guesses that get
// better and then worse, so that the second is best by all of them, whether more or less of one is
// better.
std::map<std::string, std::vector<Scores>> scores_by_task() {
  using Flags = std::vector<std::vector<bool>>;
  const Flags flags{{true, false}, {false, true}, {true, true}};
  const std::vector<WordLabels> words{{"B-x", "I-x", "O", "B-y"}, {"O", "B-x"}};
  const auto classes = [](const std::vector<std::int32_t>& guesses) {
    return classification_scores(guesses, std::vector<std::int32_t>{0, 1, 2, 2}, 3);
  };
  const auto numbers = [](const std::vector<double>& guesses) {
    return regression_scores(guesses, std::vector<double>{1, 2, 3, 4});
  };
  const auto answers = [](const std::string& guess) {
    return answer_scores({{guess, guess, 0, {"good black tea"}}});
  };
  return {
      {"classification", {classes({0, 1, 1, 1}), classes({0, 1, 2, 2}), classes({0, 1, 2, 1})}},
      {"multi_label",
       {multi_label_scores({{true, false}, {true, false}, {true, false}}, flags),
        multi_label_scores(flags, flags),
        multi_label_scores({{true, false}, {false, true}, {true, false}}, flags)}},
      {"regression", {numbers({2, 1, 4, 3}), numbers({1, 2, 3, 4.5}), numbers({1, 2, 4, 3})}},
      {"token_classification",
       {entity_scores({{"O", "O", "B-y", "B-y"}, {"O", "O"}}, words), entity_scores(words, words),
        entity_scores({{"B-x", "I-x", "O", "B-y"}, {"B-y", "O"}}, words)}},
      {"question_answering", {answers("coffee"), answers("good black tea"), answers("tea")}},
  };
}

// Of a task that stands in the table and not above: the score that it chooses by, and no other.
std::vector<Scores> scores_of(const LabelledTaskDefinition& task) {
  const auto by_task = scores_by_task();
  if (const auto known = by_task.find(task.name); known != by_task.end()) return known->second;
  const bool less_is_better = task.metric.ends_with("loss") || task.metric.ends_with("error");
  const double sign = less_is_better ? -1 : 1;
  return {{{task.metric, 0.2 * sign}}, {{task.metric, 0.9 * sign}}, {{task.metric, 0.5 * sign}}};
}

TEST(Finetuner, EveryTasksBestEpochIsChosenByItsOwnScoreAndByAnyOther) {
  for (const auto& task : labelled_tasks()) {
    const auto scores = scores_of(task);
    auto options = epochs(3);
    EXPECT_THAT(finetune_by(scores, options, task.metric).best_epochs, ElementsAre(1, 2))
        << task.name << " by " << task.metric;
    for (const auto& [name, value] : scores[1]) {
      options.metric = name;
      const auto seen = finetune_by(scores, options, task.metric);
      EXPECT_THAT(seen.best_epochs, ElementsAre(1, 2)) << task.name << " by " << name;
      const double best = name.ends_with("error") || name.ends_with("loss") ? -value : value;
      EXPECT_EQ(seen.progress.best_score, best) << task.name << " by " << name;
    }
    options.metric = "no_such_score";
    const auto refused = finetune_by(scores, options, task.metric);
    EXPECT_EQ(refused.kind, ErrorKind::usage);
    EXPECT_THAT(refused.error, HasSubstr("expected auto or one of "));
    EXPECT_THAT(refused.error, HasSubstr(task.metric));
  }
}

// So that the test above means something: each row of that table is a task, and of one score less
// is better.
TEST(Finetuner, TheTasksWithScoresAreTasksAndOneHasAnError) {
  std::size_t smaller_is_better = 0;
  for (const auto& [name, scores] : scores_by_task()) {
    EXPECT_NO_THROW(find_task(name));
    for (const auto& [score, value] : scores[1]) smaller_is_better += score.ends_with("error");
  }
  EXPECT_EQ(smaller_is_better, 1U);
}

// Of the model itself, whose loss falls and rises as it likes.
TEST(Finetuner, ALossIsBestWhenItIsSmallest) {
  auto options = epochs(6);
  options.metric = "loss";
  const auto seen = finetune_by(std::vector<Scores>(6), options, "accuracy");
  ASSERT_EQ(seen.progress.validations.size(), 6U);
  std::vector<double> losses;
  for (const auto& scores : seen.progress.validations) {
    ASSERT_EQ(scores.front().first, "loss");
    losses.push_back(scores.front().second);
  }
  const auto smallest = std::min_element(losses.begin(), losses.end());
  EXPECT_LT(*smallest, *std::max_element(losses.begin(), losses.end()));
  EXPECT_EQ(seen.progress.best_score, -*smallest);
  EXPECT_EQ(seen.progress.best_epoch, smallest - losses.begin() + 1);
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
  EXPECT_THAT(seen.events, ElementsAre("save", "save", "validation", "save", "save", "stop"));
}

// A stop waits for a save alone; the validation comes first when the run goes on, and all is as if
// there had been no stop.
TEST(Finetuner, AStopLeavesAValidationToTheNextStart) {
  const std::vector<double> scores{0.1, 0.3, 0.2};
  const auto whole = finetune(scores, epochs(3));
  const auto stopped = finetune({}, epochs(3), {}, 3);
  EXPECT_EQ(stopped.outcome, Outcome::stopped);
  EXPECT_THAT(stopped.events, ElementsAre("save", "stop"));
  EXPECT_EQ(stopped.progress.step, 3);
  EXPECT_TRUE(stopped.progress.validations.empty());
  const auto rest = finetune(scores, epochs(3), stopped.progress);
  EXPECT_EQ(rest.outcome, Outcome::completed);
  EXPECT_EQ(rest.events, whole.events);
  EXPECT_EQ(rest.best_epochs, whole.best_epochs);
  EXPECT_EQ(rest.saved_steps, whole.saved_steps);
  EXPECT_EQ(rest.progress.validations.size(), 3U);
  // In the last step of all it is not left out, and within an epoch none is due.
  EXPECT_EQ(finetune(scores, epochs(3), {}, 9).outcome, Outcome::completed);
  const auto within = finetune(scores, epochs(3), finetune(scores, epochs(3), {}, 4).progress);
  EXPECT_EQ(within.progress.validations.size(), 3U);
}

// The epoch that ends it may be the one whose validation was left out.
TEST(Finetuner, PatienceMayEndARunThatGoesOn) {
  auto options = epochs(9);
  options.patience = 1;
  const auto stopped = finetune({0.5}, options, {}, 6);
  EXPECT_EQ(stopped.progress.step, 6);
  const auto rest = finetune({0.4}, options, stopped.progress);
  EXPECT_EQ(rest.outcome, Outcome::completed);
  EXPECT_EQ(rest.progress.step, 6);
  EXPECT_THAT(rest.events, ElementsAre("validation", "save"));
}

// A branch whose folder holds the best model of another one.
TEST(Finetuner, ChoosesAnewFromTheWeightsAtHand) {
  auto two = epochs(2);
  const auto start = finetune({0.3, 0.2}, two).progress;
  ASSERT_EQ(start.best_epoch, 1);
  const auto kept = finetune({0.1, 0.15}, epochs(4), start);
  EXPECT_THAT(kept.best_epochs, ElementsAre());
  const auto anew = finetune({0.1, 0.15}, epochs(4), start, -1);
  EXPECT_THAT(anew.best_epochs, ElementsAre(2));
  EXPECT_EQ(anew.progress.best_score, 0.2);
  EXPECT_EQ(anew.events.front(), "warning");
  two.stop_after = 4;  // within the second epoch
  const auto within = finetune({0.3}, two).progress;
  EXPECT_THAT(finetune({0.1, 0.15}, epochs(3), within, -1).best_epochs, ElementsAre(2, 3));
}

TEST(Finetuner, TrainLinesSayWhereTheRunIs) {
  auto options = epochs(1);
  options.log_every = 1;
  const auto seen = finetune({0.1}, options);
  EXPECT_THAT(seen.events, ElementsAre("train", "train", "train", "validation", "save"));
  EXPECT_EQ(seen.progress.updates, 3);
  EXPECT_EQ(seen.progress.samples, 6U);
  EXPECT_EQ(seen.progress.tokens, 18U);
}

}  // namespace
}  // namespace bertha
