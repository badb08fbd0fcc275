// Epochs, validations, and the choice of the best.
#include "trainer/finetuner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_batches.h"
#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/memory_use.h"
#include "trainer/tasks/scores.h"

namespace bertha {

bool patience_spent(const FinetuneProgress& progress, int patience) {
  const auto epochs = static_cast<std::int64_t>(progress.validations.size());
  const auto best = std::max<std::int64_t>(0, progress.best_epoch);
  return patience > 0 && epochs > 0 && epochs - best >= patience;
}

Finetuner::Finetuner(FinetunerParts parts, FinetunerOptions options, FinetunerCallbacks callbacks,
                     FinetuneProgress start)
    : parts_(parts),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      progress_(std::move(start)) {
  if (options_.metric == "auto") options_.metric = parts_.definition.metric;
}

Outcome Finetuner::run(const ExampleSet& train, const ExampleSet& validation) {
  const auto per_epoch =
      static_cast<std::int64_t>(steps_in_epoch(train.sequences.size(), options_.batch_size));
  ProgressBar bar("finetune", static_cast<std::uint64_t>(options_.total_steps), "steps",
                  options_.progress && parts_.communicator.rank_info().is_root());
  bar.set_start(static_cast<std::uint64_t>(progress_.step));
  const auto epochs_ended = progress_.step / per_epoch;
  if (epochs_ended > static_cast<std::int64_t>(progress_.validations.size()) && !done() &&
      at_epoch_end(per_epoch)) {
    bar.show_phase("validating");
    finish_epoch(validation);  // a stop came before it
  }
  while (!done()) {
    const auto begin = std::chrono::steady_clock::now();
    const auto report = train_step(train.sequences, per_epoch);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    bar.update(static_cast<std::uint64_t>(progress_.step),
               fmt::format("loss {:.3f}, {} tokens/s", report.scores.front().second,
                           human_count(report.totals.tokens / seconds.count())));
    const bool log_due = options_.log_every > 0 && progress_.updates % options_.log_every == 0;
    if (log_due && !report.skipped) log_train(report, per_epoch);
    // Who asks for a stop waits for a save and nothing else, unless this was the last step.
    const bool last = progress_.step >= options_.total_steps;
    if (at_epoch_end(per_epoch) && (last || !report.stop_agreed)) {
      bar.show_phase("validating");
      finish_epoch(validation);
    }
    if (done()) break;
    if (options_.save_every > 0 && progress_.step % options_.save_every == 0) save_state(false);
    if (report.stop_agreed || progress_.step == options_.stop_after) {
      save_state(true);
      parts_.metrics.write({"stop", progress_.step, {}});
      return Outcome::stopped;
    }
  }
  require_best_epoch();
  return Outcome::completed;
}

bool Finetuner::at_epoch_end(std::int64_t steps_per_epoch) const {
  return progress_.step % steps_per_epoch == 0 || progress_.step >= options_.total_steps;
}

bool Finetuner::done() const {
  return progress_.step >= options_.total_steps || patience_spent(progress_, options_.patience);
}

// Once a step: an epoch's end may be due for other reasons, too. A failure, which all ranks agree
// on, is the run's only when it ends with this state.
void Finetuner::save_state(bool last) {
  if (saved_step_ == progress_.step) return;
  try {
    const auto begin = std::chrono::steady_clock::now();
    MetricsEvent event{"save", progress_.step, {}};
    event.add("checkpoint", callbacks_.save_state(progress_).filename().string());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    event.add("seconds", seconds.count());
    if (callbacks_.saved) callbacks_.saved(seconds.count());
    saved_step_ = progress_.step;
    parts_.metrics.write(event);
  } catch (const Error& error) {
    if (last || error.kind() == ErrorKind::communication) throw;
    warn(
        fmt::format("step {} is not saved: {}; training goes on", progress_.step, error.message()));
  }
}

StepReport Finetuner::train_step(const std::vector<EncodedExample>& train,
                                 std::int64_t steps_per_epoch) {
  const auto begin = std::chrono::steady_clock::now();
  set_fault_step(progress_.step);
  LabelledBatchOptions batch;
  batch.batch_size = options_.batch_size;
  batch.micro_batch_tokens = options_.micro_batch_tokens;
  batch.seed = options_.seed;
  batch.fixed_micro_batches = options_.deterministic;
  batch.epoch = static_cast<std::uint32_t>(progress_.step / steps_per_epoch);
  const auto batches = labelled_step(train, batch, parts_.communicator.rank_info(),
                                     static_cast<std::uint64_t>(progress_.step % steps_per_epoch));
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
  auto report = parts_.step.run(batches, progress_.updates, callbacks_.stop_requested);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  times_.add(report, seconds.count(), waited.count());
  // A step that fp16 skipped has used up its batch: an epoch sees every example once. The schedule
  // waits, as in pretraining.
  progress_.step += 1;
  progress_.updates = report.step;
  progress_.samples += static_cast<std::uint64_t>(report.totals.sequences);
  progress_.tokens += static_cast<std::uint64_t>(report.totals.tokens);
  return report;
}

void Finetuner::log_train(const StepReport& report, std::int64_t steps_per_epoch) {
  MetricsEvent event{"train", progress_.step, {}};
  event.add("epoch", progress_.step / steps_per_epoch);
  event.add("samples", static_cast<std::int64_t>(progress_.samples));
  event.add("tokens", static_cast<std::int64_t>(progress_.tokens));
  for (const auto& [name, value] : report.scores) event.add(name, value);
  event.add("learning_rate", report.learning_rate);
  event.add("gradient_norm", report.gradient_norm);
  event.add("loss_scale", report.loss_scale);
  event.add("skipped_steps", progress_.step - progress_.updates);
  times_.take(options_.peak_flops, event);
  add_memory(event, parts_.task.parameters().device());
  parts_.metrics.write(event);
}

void Finetuner::finish_epoch(const ExampleSet& validation) {
  const auto predictions =
      predict_examples({parts_.communicator, parts_.task, parts_.watchdog, options_.deterministic},
                       validation.sequences, options_.micro_batch_tokens);
  auto scores = score_examples(parts_.definition, validation, predictions);
  const auto epoch = static_cast<std::int64_t>(progress_.validations.size()) + 1;
  MetricsEvent event{"validation", progress_.step, {}};
  event.add("epoch", epoch);
  std::string text;
  for (const auto& [name, value] : scores) {
    event.add(name, value);
    text += fmt::format(", {} {:.4f}", name, value);
  }
  parts_.metrics.write(event);
  log_info(fmt::format("epoch {}: validation{}", epoch, text));

  const double score = chosen_score(scores);
  progress_.validations.push_back(std::move(scores));
  choose(score);
  save_state(done());
}

// Keeps the weights of the last validation when there were none better. What is no finite number
// is worse than any: nothing could be better than it.
void Finetuner::choose(double score) {
  const auto epoch = static_cast<std::int64_t>(progress_.validations.size());
  if (!std::isfinite(score)) {
    return warn(
        fmt::format("epoch {}: the validation's {} is not a finite number; its weights are "
                    "not kept",
                    epoch, options_.metric));
  }
  if (progress_.best_epoch >= 0 && score <= progress_.best_score) return;
  progress_.best_epoch = epoch;
  progress_.best_score = score;
  callbacks_.save_best(progress_);
}

void Finetuner::choose_anew(std::int64_t steps_per_epoch) {
  const auto lost = std::exchange(progress_.best_epoch, -1);
  progress_.best_score = 0;
  const auto epochs = static_cast<std::int64_t>(progress_.validations.size());
  const bool at_hand = epochs > 0 && (epochs * steps_per_epoch == progress_.step ||
                                      progress_.step >= options_.total_steps);
  if (!at_hand || lost != epochs) {
    warn(
        fmt::format("epoch {} was the best, but its weights are not in the checkpoint that this "
                    "branch begins from: the best of those from there on is kept",
                    lost));
  }
  if (at_hand) choose(chosen_score(progress_.validations.back()));
  if (!at_hand && done()) {
    throw Error(ErrorKind::usage,
                "train.resume: this branch begins within an epoch, where task.patience is spent "
                "and the best weights are not at hand",
                "begin at the checkpoint of an epoch's end");
  }
}

void Finetuner::warn(const std::string& message) {
  MetricsEvent event{"warning", progress_.step, {}};
  event.add("message", message);
  parts_.metrics.write(event);
  if (parts_.communicator.rank_info().is_root()) log_warning(message);
}

void Finetuner::require_best_epoch() const {
  if (progress_.best_epoch >= 0) return;
  throw Error(ErrorKind::internal,
              fmt::format("the validation's {} was not a finite number in any of {} epochs",
                          options_.metric, progress_.validations.size()),
              "lower optimizer.learning_rate or raise schedule.warmup_fraction, and choose another "
              "train.output");
}

// Larger is better; losses and errors count negatively.
double Finetuner::chosen_score(const Scores& scores) const {
  std::string known;
  for (const auto& [name, value] : scores) {
    if (name == options_.metric) return less_is_better(name) ? -value : value;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::usage, fmt::format("task.metric = '{}': expected auto or one of {}",
                                            options_.metric, known));
}

}  // namespace bertha
