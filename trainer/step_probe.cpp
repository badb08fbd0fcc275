// Steps of a real model on full sequences, timed by phase.
#include "trainer/step_probe.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "parallel/watchdog.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha {
namespace {

Batch made_up_batch(const StepProbe& probe) {
  const auto length = probe.sequence_length;
  const auto sequences = std::max<std::int64_t>(1, probe.tokens / length);
  const auto apart =
      std::max<std::int64_t>(1, std::llround(1.0 / std::max(1e-3, probe.predictions_per_token)));
  Batch batch;
  batch.sequence_offsets.push_back(0);
  for (std::int64_t s = 0; s < sequences; ++s) {
    for (std::int64_t i = 0; i < length; ++i) {
      const auto id =
          static_cast<std::int32_t>((s * 7919 + i * 104729) % probe.config.vocabulary_size);
      if (i % apart == apart / 2) {
        batch.masked_positions.push_back(static_cast<std::int32_t>(batch.tokens.size()));
        batch.masked_labels.push_back(id);
      }
      batch.tokens.push_back(id);
      batch.segments.push_back(2 * i >= length ? 1 : 0);
      batch.positions.push_back(static_cast<std::int32_t>(i));
    }
    batch.sequence_offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.next_sentence.push_back(static_cast<std::int32_t>(s % 2));
    batch.sample_numbers.push_back(static_cast<std::uint64_t>(s));
  }
  return batch;
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

MeasuredStep measure_step(const StepProbe& probe, Communicator& communicator) {
  using Clock = std::chrono::steady_clock;
  PretrainingTask task(probe.config, probe.next_sentence, probe.precision, probe.device);
  auto& space = task.parameters();
  space.initialize(probe.config.initializer_range, 1);
  const auto optimizer = make_optimizer(probe.optimizer, space, {0, space.size()}, {});
  LossScaler scaler(false);
  Watchdog watchdog(std::chrono::seconds(0));
  TrainStepOptions options;
  options.schedule = {.name = ScheduleName::constant, .peak = 1e-6};
  options.precision = probe.precision;
  TrainStep step({communicator, task, *optimizer, scaler, watchdog}, options);
  const std::vector<Batch> batches{made_up_batch(probe)};
  std::vector<double> passes, updates;
  const auto begin = Clock::now();
  for (int i = 0; i < 1000; ++i) {
    const auto started = Clock::now();
    const auto report = step.run(batches, i);
    const std::chrono::duration<double> took = Clock::now() - started, all = Clock::now() - begin;
    if (i == 0) continue;
    passes.push_back(took.count() - report.phases.optimizer);
    updates.push_back(report.phases.optimizer);
    if (passes.size() >= 2 && all.count() > probe.seconds) break;
  }
  MeasuredStep measured;
  measured.speed.tokens_per_second =
      static_cast<double>(batches.front().token_count()) / middle(passes);
  measured.speed.optimizer_seconds = middle(updates);
  measured.parameters = space.size();
  measured.steps = static_cast<int>(passes.size());
  return measured;
}

}  // namespace bertha
