// The loop one can read in a sitting; all heavy work is elsewhere.
#include "trainer/trainer.h"

#include <chrono>

#include <fmt/format.h>

#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;

std::string progress_note(const StepReport& report, double tokens_per_second) {
  const double loss = report.scores.empty() ? 0 : report.scores.front().second;
  return fmt::format("loss {:.3f}, {} tokens/s", loss, human_count(tokens_per_second));
}

void add_to(Scores& sums, const Scores& scores) {
  if (sums.empty()) {
    sums = scores;
    return;
  }
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i].second += scores[i].second;
}

}  // namespace

Trainer::Trainer(TrainerParts parts, TrainerOptions options, TrainerCallbacks callbacks,
                 TrainerState start)
    : parts_(parts),
      options_(options),
      callbacks_(std::move(callbacks)),
      state_(std::move(start)),
      last_saved_(state_.step > 0 ? state_.step : -1) {}

Outcome Trainer::run() {
  const bool root = parts_.communicator.rank_info().is_root();
  ProgressBar bar("pretrain", static_cast<std::uint64_t>(options_.total_steps), "steps",
                  root && options_.progress);
  bar.set_start(static_cast<std::uint64_t>(state_.step));
  bool stopping = false;
  while (state_.step < options_.total_steps && !stopping) {
    const auto begin = Clock::now();
    parts_.watchdog.report("waiting for data");
    const auto batches = parts_.stream.next();
    const auto report =
        parts_.step.run(batches.micro_batches, state_.step, callbacks_.stop_requested());
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    account(report, batches, seconds);
    bar.update(static_cast<std::uint64_t>(state_.step),
               progress_note(report, report.totals.tokens / seconds));

    if (due(options_.log_every) && !report.skipped) log_train(report);
    if (due(options_.validate_every) && last_validated_ != state_.step) validate();
    stopping =
        report.stop_agreed || (options_.stop_at_step > 0 && state_.step >= options_.stop_at_step &&
                               state_.step < options_.total_steps);
    if ((due(options_.save_every) || stopping) && last_saved_ != state_.step) save();
  }
  if (stopping && state_.step < options_.total_steps) {
    MetricsEvent event{"stop", state_.step, {}};
    event.add("reason", callbacks_.stop_reason());
    parts_.metrics.write(event);
    return Outcome::stopped;
  }
  if (last_validated_ != state_.step) validate();
  if (last_saved_ != state_.step) save();
  parts_.metrics.write({"end", state_.step, {}});
  return Outcome::completed;
}

void Trainer::account(const StepReport& report, const StepBatches& batches, double seconds) {
  state_.step = report.step;
  state_.epoch = batches.after.epoch;
  state_.next_sample = batches.after.next;
  state_.samples = batches.after.samples;
  state_.tokens += static_cast<std::uint64_t>(report.totals.tokens);
  store_scaler_state(parts_.loss_scaler.state(), state_);
  throughput_.add_step(seconds, batches.wait_seconds, report.totals.tokens, report.totals.sequences,
                       report.flops);
  interval_.steps += 1;
  add_to(interval_.sums, report.scores);
  interval_.phases.forward += report.phases.forward;
  interval_.phases.backward += report.phases.backward;
  interval_.phases.reduce += report.phases.reduce;
  interval_.phases.optimizer += report.phases.optimizer;
}

// Losses and accuracies are means over the steps since the last line.
void Trainer::log_train(const StepReport& report) {
  MetricsEvent event{"train", state_.step, {}};
  event.add("epoch", static_cast<std::int64_t>(state_.epoch));
  event.add("samples", static_cast<std::int64_t>(state_.samples));
  event.add("tokens", static_cast<std::int64_t>(state_.tokens));
  const auto steps = static_cast<double>(interval_.steps);
  for (const auto& [name, sum] : interval_.sums) event.add(name, sum / steps);
  event.add("learning_rate", report.learning_rate);
  event.add("gradient_norm", report.gradient_norm);
  event.add("loss_scale", report.loss_scale);
  event.add("skipped_steps", state_.skipped_steps);
  const auto rates = throughput_.take();
  event.add("tokens_per_second", rates.tokens_per_second);
  event.add("sequences_per_second", rates.sequences_per_second);
  if (options_.peak_flops > 0) {
    event.add("model_flops_utilization", rates.flops_per_second / options_.peak_flops);
  }
  event.add("data_wait_fraction", rates.data_wait_fraction);
  event.add("forward_seconds", interval_.phases.forward / steps);
  event.add("backward_seconds", interval_.phases.backward / steps);
  event.add("reduce_seconds", interval_.phases.reduce / steps);
  event.add("optimizer_seconds", interval_.phases.optimizer / steps);
  parts_.metrics.write(event);
  interval_ = {};
}

void Trainer::validate() {
  if (!callbacks_.validate) return;
  const auto evaluation = callbacks_.validate();
  last_validated_ = state_.step;
  MetricsEvent event{"validation", state_.step, {}};
  std::string text;
  for (const auto& [name, value] : evaluation.scores) {
    event.add(name, value);
    text += fmt::format(", {} {:.4f}", name, value);
  }
  event.add("sequences", evaluation.totals.sequences);
  event.add("tokens", evaluation.totals.tokens);
  event.add("seconds", evaluation.seconds);
  parts_.metrics.write(event);
  log_info(fmt::format("step {}: validation{}", state_.step, text));
}

void Trainer::save() {
  parts_.watchdog.report("saving a checkpoint");
  const auto begin = Clock::now();
  CheckpointContents contents;
  contents.state = state_;
  contents.weights = named_weights(parts_.task.parameters());
  contents.moments = moment_slices(parts_.task.parameters(), parts_.optimizer);
  const auto& rank = parts_.communicator.rank_info();
  // An unsharded optimizer holds the same moments on every rank: one copy is enough.
  const bool sharded = parts_.optimizer.owned().size() < parts_.task.parameters().size();
  if (!rank.is_root() && !sharded) contents.moments.clear();
  contents.files = callbacks_.files;
  const auto folder = parts_.checkpoints.save(contents);
  last_saved_ = state_.step;
  MetricsEvent event{"save", state_.step, {}};
  event.add("checkpoint", folder.filename().string());
  event.add("seconds", std::chrono::duration<double>(Clock::now() - begin).count());
  parts_.metrics.write(event);
}

}  // namespace bertha
