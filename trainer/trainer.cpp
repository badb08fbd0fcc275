// The loop one can read in a sitting; all heavy work is elsewhere.
#include "trainer/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

#include <fmt/format.h>

#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/memory_use.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;

std::string progress_note(const StepReport& report, double tokens_per_second) {
  const double loss = report.scores.empty() ? 0 : report.scores.front().second;
  return fmt::format("loss {:.3f}, {} tokens/s", loss, human_count(tokens_per_second));
}

// A run that goes on with other scores (data.next_sentence was changed) begins their means anew.
void add_to(LineSums& sums, const Scores& scores) {
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (!std::ranges::equal(sums.scores, scores, same_name)) {
    sums = {1, scores};
    return;
  }
  sums.steps += 1;
  for (std::size_t i = 0; i < scores.size(); ++i) sums.scores[i].second += scores[i].second;
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
  try {
    return train();
  } catch (const std::exception& error) {
    if (parts_.checkpoints.under_way()) {
      log_warning(fmt::format("giving up the save under way, for: {}", error.what()));
    }
    throw;
  }
}

Outcome Trainer::train() {
  const bool root = parts_.communicator.rank_info().is_root();
  ProgressBar bar("pretrain", static_cast<std::uint64_t>(options_.total_steps), "steps",
                  root && options_.progress);
  bar.set_start(static_cast<std::uint64_t>(state_.step));
  if (state_.validation_owed) {
    bar.show_phase("validating");
    make_up_for_validation();
  }
  bool stopping = false;
  while (state_.step < options_.total_steps && !stopping) {
    const auto begin = Clock::now();
    parts_.watchdog.report("waiting for data");
    set_fault_step(state_.step);
    inject_fault("data");
    const auto batches = parts_.stream.next();
    const auto report =
        parts_.step.run(batches.micro_batches, state_.step, callbacks_.stop_requested);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    account(report, batches, seconds);
    bar.update(static_cast<std::uint64_t>(state_.step),
               progress_note(report, report.totals.tokens / seconds));

    if (due(options_.log_every) && !report.skipped) log_train(report);
    if (const auto saved = parts_.checkpoints.poll()) report_save(*saved);
    if (due(options_.validate_every) && last_validated_ != state_.step) {
      bar.show_phase("validating");
      // Who asks for a stop waits for a save and nothing else.
      state_.validation_owed =
          report.stop_agreed && callbacks_.validate && state_.step < options_.total_steps;
      if (!state_.validation_owed) validate();
    }
    stopping =
        report.stop_agreed || (options_.stop_at_step > 0 && state_.step >= options_.stop_at_step &&
                               state_.step < options_.total_steps);
    if (due(options_.save_every)) bar.show_phase("saving");
    save_if_due();
  }
  bar.show_phase("ending");
  if (stopping && state_.step < options_.total_steps) {
    save_last();
    MetricsEvent event{"stop", state_.step, {}};
    event.add("reason", callbacks_.stop_reason());
    parts_.metrics.write(event);
    return Outcome::stopped;
  }
  if (last_validated_ != state_.step) validate();
  save_last();
  parts_.metrics.write({"end", state_.step, {}});
  return Outcome::completed;
}

void Trainer::account(const StepReport& report, const StepBatches& batches, double seconds) {
  state_.step = report.step;
  state_.epoch = batches.after.epoch;
  state_.next_sample = batches.after.next;
  state_.samples = batches.after.samples;
  state_.tokens += static_cast<std::uint64_t>(report.totals.tokens);
  state_.validation_loss.reset();  // of the weights before
  state_.validation_owed = false;
  store_scaler_state(parts_.loss_scaler.state(), state_);
  times_.add(report, seconds, batches.wait_seconds);
  add_to(state_.line_sums, report.scores);
}

// Losses and accuracies are means over the steps since the last line, also of a process before.
void Trainer::log_train(const StepReport& report) {
  MetricsEvent event{"train", state_.step, {}};
  event.add("epoch", static_cast<std::int64_t>(state_.epoch));
  event.add("samples", static_cast<std::int64_t>(state_.samples));
  event.add("tokens", static_cast<std::int64_t>(state_.tokens));
  const auto& sums = state_.line_sums;
  for (const auto& [name, sum] : sums.scores) {
    event.add(name, sum / static_cast<double>(sums.steps));
  }
  event.add("learning_rate", report.learning_rate);
  event.add("gradient_norm", report.gradient_norm);
  event.add("loss_scale", report.loss_scale);
  event.add("skipped_steps", state_.skipped_steps);
  times_.take(options_.peak_flops, event);
  add_memory(event, parts_.task.parameters().device());
  parts_.metrics.write(event);
  state_.line_sums = {};
}

void Trainer::validate() {
  if (!callbacks_.validate) return;
  const auto evaluation = callbacks_.validate();
  last_validated_ = state_.step;
  if (!evaluation.scores.empty() && std::isfinite(evaluation.scores.front().second)) {
    state_.validation_loss = evaluation.scores.front().second;
  }
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

// What the stop before left out. A checkpoint that is due at this step says its loss, as ever.
void Trainer::make_up_for_validation() {
  state_.validation_owed = false;
  validate();
  last_saved_ = -1;
  save_if_due();
}

CheckpointContents Trainer::contents() const {
  const auto& space = parts_.task.parameters();
  const auto& rank = parts_.communicator.rank_info();
  CheckpointContents contents;
  contents.state = state_;
  if (rank.is_root()) contents.weights = named_weights(space);
  contents.moments = moment_slices(space, parts_.optimizer,
                                   moments_to_write(space.size(), parts_.optimizer.owned(), rank));
  contents.files = callbacks_.files;
  return contents;
}

void Trainer::save_if_due() {
  if (!due(options_.save_every) || last_saved_ == state_.step) return;
  begin_save(options_.async_save);
  if (!options_.async_save) finish_save();
}

// Who waits for it needs no copy.
void Trainer::begin_save(bool trains_on) {
  finish_save();  // the one before, if it still takes
  if (trains_on) parts_.watchdog.report("copying the state for a checkpoint");
  last_saved_ = state_.step;
  parts_.checkpoints.begin(contents(), trains_on);
}

void Trainer::finish_save() {
  if (parts_.checkpoints.under_way()) report_save(parts_.checkpoints.finish(&parts_.watchdog));
}

// The state that the run ends with: only here a failure is the run's, after a second attempt if the
// first had begun before.
void Trainer::save_last() {
  finish_save();
  if (last_saved_ == state_.step) return;
  begin_save(false);
  const auto outcome = parts_.checkpoints.finish(&parts_.watchdog);
  if (outcome.failure) throw Error(*outcome.failure);
  report_save(outcome);
}

void Trainer::report_save(const SaveOutcome& outcome) {
  if (outcome.failure) {
    if (last_saved_ == outcome.step) last_saved_ = -1;
    const auto message = fmt::format("step {} is not saved: {}; training goes on", outcome.step,
                                     outcome.failure->message());
    MetricsEvent event{"warning", outcome.step, {}};
    event.add("message", message);
    parts_.metrics.write(event);
    if (parts_.communicator.rank_info().is_root()) log_warning(message);
    return;
  }
  MetricsEvent event{"save", outcome.step, {}};
  event.add("checkpoint", outcome.path.filename().string());
  event.add("seconds", outcome.seconds);
  event.add("stalled_seconds", outcome.stalled_seconds);
  parts_.metrics.write(event);
  if (callbacks_.saved) callbacks_.saved(outcome.seconds);
}

}  // namespace bertha
