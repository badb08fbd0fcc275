// Texts of outlines.
#include "launch/run_outline.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <iostream>
#include <unistd.h>

#include <fmt/format.h>

#include "launch/memory_plan.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/kernels/flash_dropout_rate.h"

namespace bertha {
namespace {

std::string counted(std::int64_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

// What the busiest rank computes at once: no more than its share of the global batch.
PlanBatch batch_of_rank(const RunConfig& config, int ranks) {
  auto batch = plan_batch(config);
  const auto sequences = (batch.global_batch + ranks - 1) / ranks;
  batch.micro_batch_tokens = std::min(batch.micro_batch_tokens, sequences * batch.longest_sequence);
  return batch;
}

std::string step_text(const RunConfig& config, int ranks) {
  const auto& train = config.trainer.train;
  const auto batch = batch_of_rank(config, ranks);
  const double tokens = static_cast<double>(batch.global_batch) * batch.tokens_per_sequence;
  const double of_rank = tokens / std::min<double>(ranks, static_cast<double>(train.global_batch));
  const auto micro_batches = static_cast<std::int64_t>(
      std::max(1.0, std::ceil(of_rank / static_cast<double>(batch.micro_batch_tokens) - 1e-9)));
  const std::string micro_text =
      micro_batches == 1 ? "1 micro-batch" : fmt::format("{} micro-batches", micro_batches);
  return fmt::format("{} of up to {} tokens, about {} tokens; {} a rank",
                     counted(train.global_batch, "sequence"), config.data.sequence_length,
                     human_count(tokens), micro_text);
}

std::string length_text(const OutlinedPretraining& run, const RunConfig& config) {
  const double per_epoch = static_cast<double>(run.samples_in_epoch) /
                           static_cast<double>(config.trainer.train.global_batch);
  auto text = counted(run.total_steps, "step");
  if (run.done_steps > 0) text += fmt::format(" in all, {} done", run.done_steps);
  if (per_epoch <= 0) return text;
  return text + fmt::format("; an epoch is {} sequences, {} steps; {} epochs in all",
                            human_count(static_cast<double>(run.samples_in_epoch)),
                            human_count(per_epoch),
                            human_count(static_cast<double>(run.total_steps) / per_epoch));
}

std::string saving_text(const RunConfig& config, const OutlinedModel& model) {
  const auto& train = config.trainer.train;
  const auto count = count_parameters(model.config, model.head, model.labels);
  const auto bytes = 4 + 2 * plan_model(config, model.config, count).moment_bytes;
  const auto kept = train.retention.keep_last;
  return fmt::format("{}, {} each (weights and moments), {}",
                     train.save_every > 0 ? fmt::format("every {} steps", train.save_every)
                                          : std::string("at the end"),
                     human_bytes(static_cast<double>(count.weights) * bytes),
                     kept > 0 ? fmt::format("the last {} kept", kept) : std::string("all kept"));
}

std::string model_text(const RunConfig& config, const OutlinedModel& model) {
  const auto count = count_parameters(model.config, model.head, model.labels);
  return fmt::format("{} layers, hidden {}, {} heads, vocabulary {}; {} parameters, {}",
                     model.config.layers, model.config.hidden_size, model.config.attention_heads,
                     model.config.vocabulary_size, human_count(static_cast<double>(count.weights)),
                     precision_name(config.trainer.train.precision));
}

// Modelled, see trainer/plan.h.
std::string memory_text(const RunConfig& config, const OutlinedModel& model, const PlanBatch& batch,
                        int ranks) {
  const auto count = count_parameters(model.config, model.head, model.labels);
  auto plan = plan_model(config, model.config, count);
  if (model.head == Head::token || model.head == Head::question) plan.leaves_rows_out = false;
  const auto memory = plan_memory(plan, batch, ranks, config.trainer.parallel.shard_optimizer);
  return fmt::format("about {} a rank, {} of it for {} tokens at once (train.micro_batch_tokens)",
                     human_bytes(memory.total()), human_bytes(memory.activations),
                     batch.micro_batch_tokens);
}

std::string labels_text(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  constexpr std::size_t kMost = 6;
  std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  return fmt::format("; {}: {}{}", counted(static_cast<std::int64_t>(names.size()), "label"),
                     fmt::join(shown, ", "), names.size() > kMost ? ", ..." : "");
}

// More ranks than rows of a global batch are allowed, and of no use.
std::string ranks_text(const OutlinedMachine& machine, std::int64_t rows) {
  const auto idle = machine.rank.world_size - rows;
  return outlined_machine(machine) +
         (idle > 0 ? fmt::format("; {} of them idle: a batch has {} to share", idle,
                                 counted(rows, "row"))
                   : "");
}

// Behind the model, where there is something to say.
Outline with_dropout(Outline outline, const RunConfig& config, const BertConfig& model) {
  auto text = rounded_dropout(model.attention_dropout, planned_attention(config, model));
  if (!text.empty()) outline.emplace(outline.begin() + 1, "dropout", std::move(text));
  return outline;
}

}  // namespace

std::string rounded_dropout(double rate, AttentionBy kernels) {
  if (kernels != AttentionBy::tiles) return {};
  const double rounded = flash_dropout_rate(rate);
  if (rounded == rate) return {};
  return fmt::format(
      "of attention {}: model.attention_dropout {} is rounded to 256ths by the kernels for heads "
      "of 64",
      rounded > 0 ? fmt::format("{:.4f}", rounded) : "none at all", rate);
}

std::string outlined_machine(const OutlinedMachine& machine) {
  return fmt::format("{} on {}, {} each", counted(machine.rank.world_size, "rank"), machine.device,
                     counted(machine.threads, "thread"));
}

Outline outline_pretraining(const RunConfig& config, const OutlinedPretraining& run) {
  const int ranks = run.machine.rank.world_size;
  const Outline outline{
      {"model", model_text(config, run.model)},
      {"ranks", ranks_text(run.machine, config.trainer.train.global_batch)},
      {"data", config.data.corpus.string() + ": " + run.corpus},
      {"a step", step_text(config, ranks)},
      {"length", length_text(run, config)},
      {"memory", memory_text(config, run.model, batch_of_rank(config, ranks), ranks)},
      {"saves", saving_text(config, run.model)},
      {"start", run.start},
      {"results", config.trainer.train.output.string()}};
  return with_dropout(outline, config, run.model.config);
}

Outline outline_finetuning(const RunConfig& config, const OutlinedFinetuning& run) {
  auto batch = plan_batch(config);
  batch.global_batch = config.task.batch_size;
  batch.longest_sequence = config.task.max_length;
  batch.micro_batch_tokens = std::min<std::int64_t>(
      std::max<std::int64_t>(batch.micro_batch_tokens, config.task.max_length),
      config.task.batch_size * config.task.max_length);
  batch.predictions_per_token = 0;
  const Outline outline{
      {"model", model_text(config, run.model)},
      {"ranks", ranks_text(run.machine, config.task.batch_size)},
      {"data", fmt::format("{}: {} training, {} validation, {} test examples{}", config.task.name,
                           run.train_rows, run.validation_rows, run.test_rows,
                           labels_text(run.label_names))},
      {"a step", fmt::format("{} of up to {} tokens", counted(config.task.batch_size, "example"),
                             config.task.max_length)},
      {"length",
       fmt::format("{}, {} an epoch", counted(run.total_steps, "step"), run.steps_in_epoch)},
      {"memory", memory_text(config, run.model, batch, run.machine.rank.world_size)},
      {"start", run.start},
      {"results", config.trainer.train.output.string()}};
  return with_dropout(outline, config, run.model.config);
}

void log_outline(const Outline& outline) {
  for (const auto& [aspect, text] : outline) log_info(fmt::format("{:<8} {}", aspect, text));
}

void print_dry_run(const Outline& outline) {
  for (const auto& [aspect, text] : outline) std::cout << fmt::format("{:<8} {}\n", aspect, text);
  std::cout << "all of this was checked; nothing was built or written (train.dry_run)" << std::endl;
}

void check_writable(const std::string& folder) {
  namespace fs = std::filesystem;
  auto path = fs::absolute(folder);
  std::error_code error;
  while (!fs::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  if (!fs::is_directory(path, error)) throw_io_error("create", folder, ENOTDIR);
  if (::access(path.c_str(), W_OK | X_OK) != 0) throw_io_error("write to", path.string(), errno);
}

}  // namespace bertha
