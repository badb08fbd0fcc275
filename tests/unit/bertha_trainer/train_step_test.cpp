// The step with ranks as threads and a task of a few numbers: what it sends, what it learns, and
// what it says when a loss or a gradient is not a finite number.
#include "trainer/train_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/recorder.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using bertha::testing::message_of;
using bertha::testing::outcomes_of_thread_ranks;
using bertha::testing::Recorder;
using bertha::testing::run_thread_ranks;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kNoSample = 1'000'000;

// One half of the squared distance of all parameters from 1, the same for every sequence: the
// gradient of the global batch is weight - 1.
class Quadratic final : public Task {
 public:
  std::uint64_t broken_loss = kNoSample;      // the sample whose loss is NaN
  std::uint64_t broken_gradient = kNoSample;  // the sample with which "second"'s gradient is NaN

  std::function<void()> on_forward = [] {};

  Quadratic() {
    for (int i = 0; i < 3; ++i) space_.master_view(i).fill_(3);
    space_.copy_master_to_compute();
  }
  ParameterSpace& parameters() override { return space_; }
  TaskOutput forward(const Batch& batch, const BatchTotals& totals,
                     const ForwardContext&) override {
    on_forward();
    const auto count = static_cast<double>(batch.sequence_count());
    at::Tensor distance = at::zeros({}, at::kFloat);
    for (int i = 0; i < 3; ++i) distance = distance + (space_.leaf(i) - 1).square().sum() / 2;
    if (holds(batch, broken_loss)) distance = distance * std::nan("");
    // 0, whose derivative is infinity times 0.
    if (holds(batch, broken_gradient)) distance = distance + (space_.leaf(1) * 0).sqrt().sum();
    const auto sum = distance.detach().to(at::kDouble) * count;
    return {distance * (count / totals.sequences),
            at::stack({sum, at::full({}, count, at::kDouble)})};
  }
  std::int64_t sum_count() const override { return 2; }
  Scores scores(std::span<const double> sums) const override {
    return {{"loss", sums[0] / sums[1]}};
  }
  double training_flops(const Batch&) const override { return 1; }

 private:
  static bool holds(const Batch& batch, std::uint64_t sample) {
    return std::ranges::find(batch.sample_numbers, sample) != batch.sample_numbers.end();
  }

  ParameterSpace space_{
      {{"first", {100}}, {"second", {64, 2}}, {"third", {7}}}, Precision::fp32, at::kCPU};
};

// Sequences of one token.
Batch batch_of(const std::vector<std::uint64_t>& samples) {
  Batch batch;
  batch.sample_numbers = samples;
  batch.sequence_offsets = {0};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    batch.tokens.push_back(1);
    batch.sequence_offsets.push_back(static_cast<std::int32_t>(i + 1));
  }
  return batch;
}

// Rank r has samples 100 r + 1 to 100 r + 6 in two micro-batches.
std::vector<Batch> batches_of(int rank) {
  const auto first = static_cast<std::uint64_t>(100 * rank);
  return {batch_of({first + 1, first + 2}), batch_of({first + 3, first + 4, first + 5, first + 6})};
}

struct Way {
  std::string name;
  Sharding sharding = Sharding::none;
  bool deterministic = false;
  bool fp16 = false;                 // gives up after three steps that are not finite
  bool skipped_steps_count = false;  // TrainStepOptions'
  SampleNames sample_names = {};
  StopWanted stop_wanted = {};
};
const std::array kWays{Way{"plain"}, Way{"sharded", Sharding::even},
                       Way{"deterministic", Sharding::none, true},
                       Way{"deterministic, sharded", Sharding::whole_parameters, true}};

// The fifth step of a rank, with plain AdamW; with fp16 a third try of it.
StepReport step_of(Communicator& communicator, Quadratic& task, const Way& way,
                   const std::vector<Batch>& batches) {
  TrainStepOptions options;
  options.schedule.peak = 1;
  options.schedule.total_steps = 10;
  options.clip_norm = 0;
  options.sharding = way.sharding;
  options.deterministic = way.deterministic;
  options.bucket_bytes = 4;  // a bucket for every parameter
  options.precision = way.fp16 ? Precision::fp16 : Precision::fp32;
  options.skipped_steps_count = way.skipped_steps_count;
  options.sample_names = way.sample_names;
  auto& space = task.parameters();
  const auto optimizer =
      make_optimizer({}, space, owned_range(space, communicator.rank_info(), way.sharding), {});
  LossScaler scaler(way.fp16, {.scale = 8}, {.initial = 8, .most_skipped_in_a_row = 3});
  Watchdog watchdog(std::chrono::seconds(0));
  TrainStep step({communicator, task, *optimizer, scaler, watchdog}, options);
  for (int skipped = 1; way.fp16 && skipped < 3; ++skipped) {
    EXPECT_TRUE(step.run(batches, 4).skipped);
    EXPECT_EQ(scaler.scale(), 8 >> skipped);
  }
  return step.run(batches, 4, way.stop_wanted);
}

// What every rank says.
std::vector<std::string> failures(int ranks, const Way& way,
                                  const std::function<void(Quadratic&)>& spoil) {
  std::vector<std::string> texts;
  const auto outcomes = outcomes_of_thread_ranks(
      {.world_size = ranks, .faults = {}}, [&](Communicator& communicator) {
        Quadratic task;
        spoil(task);
        step_of(communicator, task, way, batches_of(communicator.rank_info().rank));
      });
  for (const auto& outcome : outcomes) texts.push_back(message_of(outcome));
  return texts;
}

// 235 parameters at 3: each is 2 from 1, so the loss is 235 * 4 / 2, the norm 2 * sqrt(235). Every
// parameter moves towards 1 on every rank, whoever updates it.
TEST(TrainStep, LearnsOnEveryWay) {
  for (const auto& way : kWays) {
    run_thread_ranks(3, [&](Communicator& communicator) {
      Quadratic task;
      const auto report =
          step_of(communicator, task, way, batches_of(communicator.rank_info().rank));
      EXPECT_EQ(report.step, 5) << way.name;
      EXPECT_EQ(report.totals.sequences, 18) << way.name;
      EXPECT_EQ(report.flops, 6) << way.name;
      ASSERT_EQ(report.scores.size(), 1U);
      EXPECT_NEAR(report.scores[0].second, 470, 1e-3) << way.name;
      EXPECT_NEAR(report.gradient_norm, 2 * std::sqrt(235.0), 1e-4) << way.name;
      for (int i = 0; i < 3; ++i) {
        const auto weights = task.parameters().master_view(i);
        EXPECT_TRUE(weights.lt(3).all().item<bool>()) << way.name << ", parameter " << i;
      }
    });
  }
}

// A signal to one rank in the midst of a step: its forward pass is over, the results are not
// agreed.
TEST(TrainStep, AStopThatComesDuringAStepEndsWithIt) {
  for (auto way : kWays) {
    run_thread_ranks(2, [&](Communicator& communicator) {
      Quadratic task;
      auto mine = way;
      bool signalled = false;
      if (communicator.rank_info().rank == 1) {
        task.on_forward = [&] { signalled = true; };
        mine.stop_wanted = [&] { return signalled; };
      }
      const auto batches = batches_of(communicator.rank_info().rank);
      EXPECT_TRUE(step_of(communicator, task, mine, batches).stop_agreed) << way.name;
    });
  }
}

// Of the gradient's parts that a rank does not own, which are spoilt, nothing gets into norm and
// weights: both are those of an update that every rank makes by itself.
TEST(TrainStep, ShardedOrNotGivesTheSameBits) {
  for (const int ranks : {2, 3, 5}) {
    run_thread_ranks(ranks, [&](Communicator& communicator) {
      std::vector<at::Tensor> weights;
      std::vector<double> norms;
      for (const auto& way : {kWays[0], kWays[1]}) {
        Quadratic task;
        norms.push_back(step_of(communicator, task, way, batches_of(communicator.rank_info().rank))
                            .gradient_norm);
        weights.push_back(task.parameters().master().clone());
      }
      EXPECT_EQ(norms[0], norms[1]);
      EXPECT_TRUE(at::equal(weights[0], weights[1]));
    });
  }
}

// Before the step and after it, each in one message of the MPI communicator (248 bytes).
TEST(TrainStep, AgreesTwiceAndInFewBytes) {
  for (const auto& way : kWays) {
    run_thread_ranks(3, [&](Communicator& communicator) {
      Recorder recorder(communicator);
      Quadratic task;
      step_of(recorder, task, way, batches_of(communicator.rank_info().rank));
      const auto made = [&](const char* name) { return std::ranges::count(recorder.calls, name); };
      EXPECT_EQ(made("gather_bytes"), 2) << way.name;
      EXPECT_THAT(recorder.gathered, Each(::testing::Le(248U))) << way.name;
      const bool sharded = way.sharding != Sharding::none;
      EXPECT_EQ(made("all_reduce"), way.deterministic || sharded ? 0 : 3) << way.name;
      EXPECT_EQ(made("reduce_scatter"), sharded && !way.deterministic ? 3 : 0) << way.name;
      // The tree's sum of a slab takes one of each; the others are the weights, by buckets.
      EXPECT_EQ(made("all_to_all") > 0, way.deterministic) << way.name;
      EXPECT_EQ(made("all_gather") - made("all_to_all"), sharded ? 3 : 0) << way.name;
      EXPECT_EQ(made("broadcast"), 0) << way.name;
    });
  }
}

// However many micro-batches a rank has, they are told in one row, unless their order counts.
TEST(TrainStep, TheNumberOfMicroBatchesDoesNotMakeAgreementsLonger) {
  run_thread_ranks(2, [](Communicator& communicator) {
    Recorder recorder(communicator);
    Quadratic task;
    const std::vector<Batch> many(100, batch_of({1}));
    step_of(recorder, task, kWays[0], many);
    EXPECT_THAT(recorder.gathered, Each(::testing::Le(248U)));
  });
}

TEST(TrainStep, ARankWithoutMicroBatchesTakesPart) {
  for (const auto& way : kWays) {
    run_thread_ranks(2, [&](Communicator& communicator) {
      Quadratic task;
      const bool idle = communicator.rank_info().rank == 1;
      const auto report =
          step_of(communicator, task, way, idle ? std::vector<Batch>() : batches_of(0));
      EXPECT_EQ(report.totals.sequences, 6) << way.name;
      EXPECT_NEAR(report.gradient_norm, 2 * std::sqrt(235.0), 1e-4) << way.name;
    });
  }
}

TEST(NotFinite, TheSamplesAreThoseOfTheRankWhoseLossBroke) {
  for (const auto& way : kWays) {
    EXPECT_THAT(failures(3, way, [](Quadratic& task) { task.broken_loss = 104; }),
                Each(AllOf(HasSubstr("not a finite number in step 5: first parameter first; "),
                           HasSubstr("the loss of rank 1 is the first; rank 1's samples 103 104 "
                                     "105 106 (micro-batch 2 of 2)"),
                           Not(HasSubstr("101")), Not(HasSubstr("rank 0")))))
        << way.name;
  }
}

TEST(NotFinite, TheParameterAndSomeSamplesOfAllWhenNoLossBroke) {
  for (const auto& way : kWays) {
    EXPECT_THAT(failures(2, way, [](Quadratic& task) { task.broken_gradient = 104; }),
                Each(AllOf(HasSubstr("step 5: first parameter second; the losses of all ranks are "
                                     "finite; rank 0's samples 1 2 3 4 and 2 more; "),
                           HasSubstr("rank 1's samples 101 102 103 104 and 2 more"))))
        << way.name;
  }
}

// fp16 skips such steps; the one with which it gives up is told like any other precision's first.
TEST(NotFinite, TheStepWithWhichFp16GivesUpIsToldAlike) {
  for (auto way : kWays) {
    way.fp16 = true;
    const std::string scale =
        "fp16 gradients overflowed in 3 steps in a row, at a loss scale of 1; loss or gradient is ";
    EXPECT_THAT(
        failures(3, way, [](Quadratic& task) { task.broken_loss = 104; }),
        Each(AllOf(HasSubstr(scale + "not a finite number in step 5: first parameter first; "
                                     "the loss of rank 1 is the first; rank 1's samples "
                                     "103 104 105 106 (micro-batch 2 of 2)"),
                   Not(HasSubstr("rank 0")))))
        << way.name;
    way.skipped_steps_count = true;
    EXPECT_THAT(failures(2, way, [](Quadratic& task) { task.broken_gradient = 104; }),
                Each(HasSubstr(scale + "not a finite number in step 7: first parameter second; the "
                                       "losses of all ranks are finite; rank 0's samples 1 2 3 4 "
                                       "and 2 more; rank 1's samples 101 102 103 104 and 2 more")))
        << way.name;
  }
}

TEST(NotFinite, SamplesAreNamedAsUsersKnowThem) {
  auto way = kWays[0];
  way.sample_names = [](const std::vector<std::uint64_t>& numbers, std::size_t most) {
    return fmt::format("row {} and {} rows, at most {}", numbers.front(), numbers.size(), most);
  };
  EXPECT_THAT(failures(2, way, [](Quadratic& task) { task.broken_loss = 104; }),
              Each(HasSubstr("rank 1's samples row 103 and 4 rows, at most 32 (micro-batch 2 of "
                             "2)")));
  EXPECT_THAT(failures(2, way, [](Quadratic& task) { task.broken_gradient = 104; }),
              Each(AllOf(HasSubstr("rank 0's samples row 1 and 6 rows, at most 4"),
                         HasSubstr("rank 1's samples row 101 and 6 rows, at most 4"))));
}

}  // namespace
}  // namespace bertha
