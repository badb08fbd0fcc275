// One training step from micro-batches to updated weights; the order is the one in README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_pipeline/batch.h"
#include "parallel/communicator.h"
#include "parallel/gradient_reducer.h"
#include "parallel/slow_ranks.h"
#include "parallel/tree_reducer.h"
#include "parallel/watchdog.h"
#include "trainer/not_finite.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/optim/loss_scaler.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/sharding.h"
#include "trainer/tasks/task.h"
#include "trainer/weight_gather.h"

namespace bertha {

struct TrainStepOptions {
  Schedule schedule;
  double clip_norm = 1.0;  // 0: off
  // Updates the moments had seen before the first step: their bias correction goes on from there.
  std::int64_t earlier_updates = 0;
  std::uint64_t seed = 1;
  Precision precision = Precision::fp32;
  Sharding sharding = Sharding::none;
  // How ranks share the gradient's norm when the optimizer is not sharded: as it would be, so that
  // the bits are the same.
  Sharding norm_sharding = Sharding::even;
  bool deterministic = false;  // same bits for any number of ranks; wants fixed micro-batches
  std::int64_t bucket_bytes = 25'000'000;
  GradientReducer::Precision reduce_precision = GradientReducer::Precision::fp32;
  // For errors: how users know samples, and whether steps that fp16 skipped count as steps to them.
  SampleNames sample_names = {};
  bool skipped_steps_count = false;
};

struct PhaseSeconds {
  double forward = 0, backward = 0, reduce = 0, optimizer = 0;
};

// What one step did; the same on every rank, but for `phases`.
struct StepReport {
  std::int64_t step = 0;     // updates made after this one
  bool skipped = false;      // fp16 overflow: no update, schedule not advanced
  bool stop_agreed = false;  // some rank was asked to stop
  Scores scores;             // over the global batch
  BatchTotals totals;
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
  double loss_scale = 1;
  double flops = 0;  // model FLOPs, all ranks
  PhaseSeconds phases;
};

// References must outlive the step. One thread.
struct TrainStepParts {
  Communicator& communicator;
  Task& task;
  Optimizer& optimizer;
  LossScaler& loss_scaler;
  Watchdog& watchdog;
};

using StopWanted = std::function<bool()>;

class TrainStep {
 public:
  TrainStep(TrainStepParts parts, const TrainStepOptions& options);

  // This rank's micro-batches (none is fine) of the step that follows `step` finished updates.
  // `stop_wanted` (empty: nobody) is asked as late as can be, when the results are agreed on, so
  // that a stop that comes during a step ends with it.
  // Collective. Error{internal} names step, rank, samples and parameter when loss or gradient is
  // not finite, with fp16 after too many such steps in a row. On the host it costs two small
  // collectives.
  // With a sharded optimizer weights may still be on their way afterwards; the parameter space
  // waits for them when it is asked for some.
  StepReport run(std::span<const Batch> micro_batches, std::int64_t step,
                 const StopWanted& stop_wanted = {});

 private:
  FlatRange range_of_squares() const;
  void accumulate_gradients(std::span<const Batch> micro_batches, StepReport& report);
  void learn(const Batch& batch, bool last, StepReport& report);
  double work_since_last_step();
  int agree_on_results(const StopWanted& stop_wanted, StepReport& report);
  void skip_or_throw(const NotFiniteStep& what);
  void update_weights(StepReport& report);

  TrainStepParts parts_;
  TrainStepOptions options_;
  std::unique_ptr<TreeReducer> tree_;         // when deterministic
  std::unique_ptr<GradientReducer> reducer_;  // when not
  std::unique_ptr<WeightGather> gather_;      // when the optimizer is sharded
  FlatRange squares_;                         // whose norm this rank adds up
  std::vector<std::int64_t> bucket_ends_;
  std::vector<at::Tensor> sums_;  // [sum_count] float64 each: this rank's micro-batches
  double local_flops_ = 0;
  SlowRanks slow_ranks_;
  std::pair<std::chrono::steady_clock::time_point, double> last_agreement_;  // and seconds waited
};

}  // namespace bertha
