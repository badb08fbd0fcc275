// Forward, backward, reduction, agreement, clipping, update.
#include "trainer/train_step.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "trainer/kernels/kernels.h"

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

double norm_of(const at::Tensor& gradient) {
  if (gradient.is_cpu()) {
    return std::sqrt(sum_of_squares(gradient.data_ptr<float>(), gradient.numel()));
  }
  return at::linalg_vector_norm(gradient, 2, {}, false, at::kDouble).item<double>();
}

}  // namespace

FlatRange owned_range(std::int64_t flat_size, const RankInfo& rank, bool shard_optimizer) {
  if (!shard_optimizer) return {0, flat_size};
  const std::int64_t blocks = flat_size / kParameterAlignment;
  const auto cut = [&](std::int64_t r) {
    return blocks * r / rank.world_size * kParameterAlignment;
  };
  return {cut(rank.rank), rank.rank + 1 == rank.world_size ? flat_size : cut(rank.rank + 1)};
}

TrainStep::TrainStep(TrainStepParts parts, const TrainStepOptions& options)
    : parts_(parts),
      options_(options),
      reducer_(parts.communicator, parts.task.parameters().gradient(),
               bucket_plan_of(parts.task.parameters(), options.bucket_bytes),
               options.reduce_precision) {}

StepReport TrainStep::run(std::span<const Batch> micro_batches, std::int64_t step,
                          bool stop_wanted) {
  StepReport report;
  report.step = step;
  report.loss_scale = parts_.loss_scaler.scale();

  const auto mine = count_batches(micro_batches);
  parts_.watchdog.report("agreeing on the global batch");
  const auto totals = agree_sum(
      parts_.communicator, std::vector{mine.predictions, mine.sequences, mine.tokens, mine.labels});
  report.totals = {totals[0], totals[1], totals[2], totals[3]};

  accumulate_gradients(micro_batches, report);
  agree_on_results(stop_wanted, report);

  const bool finite = std::isfinite(report.gradient_norm) &&
                      (report.scores.empty() || std::isfinite(report.scores.front().second));
  if (!finite && options_.precision != Precision::fp16) report_not_finite(micro_batches, step);
  report.skipped = !finite;
  parts_.loss_scaler.update(finite);
  if (!report.skipped) update_weights(report);
  return report;
}

void TrainStep::accumulate_gradients(std::span<const Batch> micro_batches, StepReport& report) {
  auto& space = parts_.task.parameters();
  sums_ = at::zeros({parts_.task.sum_count()}, space.gradient().options().dtype(at::kDouble));
  local_flops_ = 0;
  space.zero_gradient();
  space.on_gradient_ready({});
  const ForwardContext context{true, options_.seed, static_cast<std::uint64_t>(report.step)};
  for (std::size_t i = 0; i < micro_batches.size(); ++i) {
    parts_.watchdog.report("forward");
    TaskOutput output;
    {
      const PhaseTimer timer(report.phases.forward);
      output = parts_.task.forward(micro_batches[i], report.totals, context);
      sums_ += output.sums;
      local_flops_ += parts_.task.training_flops(micro_batches[i]);
    }
    parts_.watchdog.report("backward");
    const PhaseTimer timer(report.phases.backward);
    if (i + 1 == micro_batches.size()) {
      reducer_.begin();
      space.on_gradient_ready([this](int parameter) { reducer_.mark_ready(parameter); });
    }
    if (output.loss.defined()) (output.loss * report.loss_scale).backward();
  }
  if (micro_batches.empty()) reducer_.begin();
  parts_.watchdog.report("gradient all-reduce");
  const PhaseTimer timer(report.phases.reduce);
  reducer_.finish();
  space.on_gradient_ready({});
}

// One small reduction: loss sums, FLOPs, stop wanted, and rank 0's gradient norm, so that all ranks
// clip and skip alike even if their sums differed in a bit.
void TrainStep::agree_on_results(bool stop_wanted, StepReport& report) {
  parts_.watchdog.report("agreeing on the step's results");
  const auto host = sums_.to(at::kCPU);
  std::vector<double> mine(host.data_ptr<double>(), host.data_ptr<double>() + host.numel());
  const auto count = mine.size();
  mine.push_back(local_flops_);
  mine.push_back(stop_wanted ? 1 : 0);
  const bool root = parts_.communicator.rank_info().is_root();
  mine.push_back(root ? norm_of(parts_.task.parameters().gradient()) : 0);
  const auto agreed = agree_sum(parts_.communicator, mine);
  report.scores = parts_.task.scores(std::span(agreed).first(count));
  report.flops = agreed[count];
  report.stop_agreed = agreed[count + 1] > 0;
  report.gradient_norm = agreed[count + 2] / report.loss_scale;
}

void TrainStep::update_weights(StepReport& report) {
  parts_.watchdog.report("optimizer");
  const PhaseTimer timer(report.phases.optimizer);
  auto& space = parts_.task.parameters();
  report.step += 1;
  report.learning_rate = learning_rate(options_.schedule, report.step);
  double scale = 1.0 / report.loss_scale;
  if (options_.clip_norm > 0) {  // as torch.nn.utils.clip_grad_norm_ computes it
    scale *= std::min(1.0, options_.clip_norm / (report.gradient_norm + 1e-6));
  }
  parts_.optimizer.step(report.step, report.learning_rate, scale);
  if (options_.shard_optimizer && parts_.communicator.rank_info().world_size > 1) {
    parts_.watchdog.report("gathering weights");
    const auto& rank = parts_.communicator.rank_info();
    for (int owner = 0; owner < rank.world_size; ++owner) {
      auto info = rank;
      info.rank = owner;
      const auto range = owned_range(space.size(), info, true);
      if (range.size() > 0) {
        parts_.communicator.broadcast(space.master().slice(0, range.begin, range.end), owner);
      }
    }
  }
  space.copy_master_to_compute();
}

void TrainStep::report_not_finite(std::span<const Batch> micro_batches, std::int64_t step) const {
  const auto& space = parts_.task.parameters();
  std::string parameter = "none: the loss itself";
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    if (!at::isfinite(space.gradient_view(static_cast<int>(i))).all().item<bool>()) {
      parameter = space.parameters()[i].name;
      break;
    }
  }
  std::string samples;
  for (const auto& batch : micro_batches) {
    for (const auto sample : batch.sample_numbers) {
      if (samples.size() > 120) break;
      if (!samples.empty()) samples += ' ';
      samples += std::to_string(sample);
    }
  }
  throw Error(
      ErrorKind::internal,
      fmt::format("loss or gradient is not a finite number in step {}: first parameter {}; "
                  "this rank's samples {} ...",
                  step + 1, parameter, samples),
      "lower optimizer.learning_rate or lengthen schedule.warmup_steps, then resume from the "
      "last checkpoint; nothing was saved over it");
}

}  // namespace bertha
