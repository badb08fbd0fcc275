// Forward, backward, reduction, agreement, clipping, update.
#include "trainer/train_step.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "parallel/agreement.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "trainer/gradient_norm.h"
#include "trainer/not_finite.h"
#include "trainer/step_agreement.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;

// Adds the time since construction to a phase.
class PhaseTimer {
 public:
  explicit PhaseTimer(double& seconds) : seconds_(seconds) {}
  ~PhaseTimer() { seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  double& seconds_;
  Clock::time_point begin_ = Clock::now();
};

BucketPlan bucket_plan_of(const ParameterSpace& space, std::int64_t bucket_bytes) {
  std::vector<FlatRange> ranges;
  for (const auto& info : space.parameters()) {
    ranges.push_back({info.offset, info.offset + info.elements});
  }
  return plan_buckets(ranges, space.size(),
                      bucket_bytes / static_cast<std::int64_t>(sizeof(float)));
}

// By rank.
std::vector<FlatRange> ranges_of_all(const ParameterSpace& space, RankInfo rank,
                                     Sharding sharding) {
  std::vector<FlatRange> ranges;
  for (rank.rank = 0; rank.rank < rank.world_size; ++rank.rank) {
    ranges.push_back(owned_range(space, rank, sharding));
  }
  return ranges;
}

}  // namespace

TrainStep::TrainStep(TrainStepParts parts, const TrainStepOptions& options)
    : parts_(parts), options_(options) {
  auto& space = parts_.task.parameters();
  const auto& rank = parts_.communicator.rank_info();
  auto plan = bucket_plan_of(space, options.bucket_bytes);
  for (const auto& bucket : plan.buckets) bucket_ends_.push_back(bucket.end);
  std::vector<FlatRange> owned;
  if (options_.sharding != Sharding::none && rank.world_size > 1) {
    owned = ranges_of_all(space, rank, options_.sharding);
    gather_ = std::make_unique<WeightGather>(parts_.communicator, space, owned, plan);
  }
  squares_ = range_of_squares();
  if (options_.deterministic) {
    tree_ = std::make_unique<TreeReducer>(
        parts_.communicator, space.gradient(),
        options.bucket_bytes / static_cast<std::int64_t>(sizeof(float)));
  } else {
    reducer_ =
        std::make_unique<GradientReducer>(parts_.communicator, space.gradient(), std::move(plan),
                                          options.reduce_precision, std::move(owned));
  }
}

// A sharded optimizer's ranks hold sums of their own ranges, so all kinds add up by these. What
// must not depend on the number of ranks is one rank's.
FlatRange TrainStep::range_of_squares() const {
  const auto& space = parts_.task.parameters();
  const auto& rank = parts_.communicator.rank_info();
  if (options_.deterministic) return {0, rank.is_root() ? space.size() : 0};
  const bool sharded = options_.sharding != Sharding::none;
  return owned_range(space, rank, sharded ? options_.sharding : options_.norm_sharding);
}

StepReport TrainStep::run(std::span<const Batch> micro_batches, std::int64_t step,
                          const StopWanted& stop_wanted) {
  StepReport report;
  report.step = step;
  report.loss_scale = parts_.loss_scaler.scale();

  parts_.watchdog.report("agreeing on the global batch");
  const auto batch =
      agree_on_batch(parts_.communicator, {parts_.task.count(micro_batches), micro_batches.size()},
                     {step, bucket_ends_});
  report.totals = batch.totals;
  if (tree_) tree_->begin(batch.micro_batches_by_rank);

  accumulate_gradients(micro_batches, report);
  const int broken_rank = agree_on_results(stop_wanted, report);

  const bool finite = std::isfinite(report.gradient_norm) &&
                      (report.scores.empty() || std::isfinite(report.scores.front().second));
  report.skipped = !finite;
  if (finite) {
    parts_.loss_scaler.update(true);
    update_weights(report);
  } else {
    skip_or_throw({step, broken_rank, squares_, micro_batches, sums_});
  }
  return report;
}

// The loss scales are the same on all ranks, so all skip or all throw.
void TrainStep::skip_or_throw(const NotFiniteStep& what) {
  auto& scaler = parts_.loss_scaler;
  auto told = what;
  told.names = options_.sample_names;
  if (options_.skipped_steps_count) told.step += scaler.state().skipped;
  scaler.update(false);
  told.given_up = scaler.given_up();
  if (options_.precision == Precision::fp16 && told.given_up.empty()) return;
  throw_not_finite(parts_.communicator, parts_.task.parameters(), told);
}

void TrainStep::accumulate_gradients(std::span<const Batch> micro_batches, StepReport& report) {
  auto& space = parts_.task.parameters();
  sums_.clear();
  local_flops_ = 0;
  space.zero_gradient();
  space.on_gradient_ready({});
  for (std::size_t i = 0; i < micro_batches.size(); ++i) {
    if (tree_ && i > 0) space.zero_gradient();
    learn(micro_batches[i], i + 1 == micro_batches.size(), report);
    if (tree_) tree_->add_micro_batch();
  }
  if (reducer_ && micro_batches.empty()) reducer_->begin();
  parts_.watchdog.report(gather_ && reducer_ ? "gradient reduce-scatter" : "gradient all-reduce");
  const PhaseTimer timer(report.phases.reduce);
  inject_fault("reduction");
  if (tree_) tree_->finish();
  if (reducer_) reducer_->finish();
  space.on_gradient_ready({});
}

// Forward and backward of one micro-batch; during the last one complete buckets go out.
void TrainStep::learn(const Batch& batch, bool last, StepReport& report) {
  const ForwardContext context{true, options_.seed, static_cast<std::uint64_t>(report.step)};
  parts_.watchdog.report("forward");
  TaskOutput output;
  {
    const PhaseTimer timer(report.phases.forward);
    output = parts_.task.forward(batch, report.totals, context);
    if (inject_fault("forward")) output.loss = output.loss * NAN, output.sums.fill_(NAN);
    sums_.push_back(output.sums);
    local_flops_ += parts_.task.training_flops(batch);
  }
  parts_.watchdog.report("backward");
  const PhaseTimer timer(report.phases.backward);
  if (reducer_ && last) {
    reducer_->begin();
    parts_.task.parameters().on_gradient_ready(
        [this](int parameter) { reducer_->mark_ready(parameter); });
  }
  if (output.loss.defined()) (output.loss * report.loss_scale).backward();
}

// One small reduction, from which on all ranks decide alike. Returns the first rank whose own loss
// is no finite number, or -1.
int TrainStep::agree_on_results(const StopWanted& stop_wanted, StepReport& report) {
  parts_.watchdog.report("agreeing on the step's results");
  StepOutcome mine;
  auto results = sums_;
  results.push_back(
      square_sum(parts_.task.parameters().gradient().slice(0, squares_.begin, squares_.end)));
  const auto numbers = at::cat(results).to(at::kCPU);  // the step's one wait for a GPU
  const auto* begin = numbers.data_ptr<double>();
  const auto* end = begin + numbers.numel() - 1;
  mine.sums.assign(begin, end);
  mine.gradient_squares = *end;
  const auto width = static_cast<std::size_t>(parts_.task.sum_count());
  // Rows of all micro-batches only where their order has to be the same for any number of ranks:
  // one row fits what a gathering sends at once.
  if (!options_.deterministic) mine.sums = sum_rows({mine.sums}, width);
  mine.flops = local_flops_;
  mine.stop_wanted = stop_wanted && stop_wanted();
  mine.work_seconds = {work_since_last_step()};
  const auto agreed = agree_on_outcome(parts_.communicator, mine, report.step, width);
  if (const auto warning = slow_ranks_.add(agreed.work_seconds);
      warning && parts_.communicator.rank_info().is_root()) {
    log_warning(*warning);
  }
  report.scores = parts_.task.scores(agreed.sums);
  report.flops = agreed.flops;
  report.stop_agreed = agreed.stop_wanted;
  report.gradient_norm = std::sqrt(agreed.gradient_squares) / report.loss_scale;
  return agreed.broken_rank;
}

// Without what this rank waited for others. The first step has none to count from.
double TrainStep::work_since_last_step() {
  const auto now = Clock::now();
  const double waiting = parts_.watchdog.waiting_seconds();
  const auto before = std::exchange(last_agreement_, {now, waiting});
  if (before.first == Clock::time_point{}) return 0;
  return std::chrono::duration<double>(now - before.first).count() - (waiting - before.second);
}

void TrainStep::update_weights(StepReport& report) {
  parts_.watchdog.report("optimizer");
  inject_fault("optimizer");
  const PhaseTimer timer(report.phases.optimizer);
  if (gather_) gather_->finish();  // on a rank that had no forward pass since
  auto& space = parts_.task.parameters();
  report.step += 1;
  report.learning_rate = learning_rate(options_.schedule, report.step);
  double scale = 1.0 / report.loss_scale;
  if (options_.clip_norm > 0) {  // as torch.nn.utils.clip_grad_norm_ computes it
    scale *= std::min(1.0, options_.clip_norm / (report.gradient_norm + 1e-6));
  }
  parts_.optimizer.step(options_.earlier_updates + report.step, report.learning_rate, scale);
  if (gather_) {
    parts_.watchdog.report("gathering weights");
    gather_->start();
  } else {
    space.copy_master_to_compute();
  }
}

}  // namespace bertha
