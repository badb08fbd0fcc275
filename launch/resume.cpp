// Resume points and the options that may not change under a run.
#include "launch/resume.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "launch/run_branch.h"
#include "parallel/agreement.h"
#include "parallel/background_task.h"
#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/ranks_at_work.h"
#include "trainer/checkpoint/checkpoint_folders.h"

namespace bertha {
namespace {

// Options of the guarded sections that may change freely: they do not change what is computed.
// Files of examples are compared by their contents.
constexpr std::array<std::string_view, 15> kFree{"data.corpus",
                                                 "data.workers",
                                                 "data.verify",
                                                 "model.config",
                                                 "model.implementation",
                                                 "model.recompute",
                                                 "model.resize_vocabulary",
                                                 "task.train",
                                                 "task.validation",
                                                 "task.test",
                                                 "task.patience",
                                                 "task.seeds",
                                                 "task.split_seed",
                                                 "task.input",
                                                 "task.output_file"};
constexpr std::array<std::string_view, 4> kGuardedTrainOptions{
    "train.global_batch", "train.seed", "train.precision", "train.deterministic"};
// The order of additions depends on these: free, unless the same bits are promised.
constexpr std::array<std::string_view, 2> kGuardedBits{"train.micro_batch_tokens",
                                                       "model.implementation"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool guarded(std::string_view name, bool deterministic) {
  if (deterministic && among(kGuardedBits, name)) return true;
  if (among(kFree, name)) return false;
  if (among(kGuardedTrainOptions, name)) return true;
  for (const std::string_view section :
       {"data.", "masking.", "model.", "optimizer.", "schedule.", "task."}) {
    if (name.starts_with(section)) return true;
  }
  return false;
}

double number(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Refuses a change, or logs it and keeps it for the run's records.
class Changes {
 public:
  explicit Changes(bool may_change) : may_change_(may_change) {}

  void add(const std::string& what) {
    if (!may_change_) {
      throw Error(ErrorKind::usage, "resume: " + what,
                  "set it back, choose another train.output, or add --train.resume_changed true");
    }
    log_warning("resume: " + what);
    list_.push_back(what);
  }

  void add_length(const std::string& name, const std::string& before, const std::string& now) {
    if (before == now) return;
    if (number(now) < number(before) && !may_change_) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} was {} and cannot be lowered to {} on resume", name, before, now),
                  "use --train.stop_after_steps to end early, or --train.resume_changed true");
    }
    list_.push_back(fmt::format("{} was {}, is now {}", name, before, now));
    log_info("resume: " + list_.back());
  }

  std::vector<std::string> take() { return std::move(list_); }

 private:
  bool may_change_;
  std::vector<std::string> list_;
};

// Newest one of a folder that is all right. A run whose checkpoints are all damaged must not begin
// anew as if there were none.
std::optional<std::filesystem::path> newest_or_throw(const std::filesystem::path& checkpoints,
                                                     const PieceDone& piece_done) {
  if (auto newest = newest_checkpoint(checkpoints, CheckpointCheck::all, piece_done)) return newest;
  for (const auto& folder : list_checkpoints(checkpoints)) {
    if (std::filesystem::is_empty(folder.path)) continue;
    throw Error(ErrorKind::bad_data,
                checkpoints.string() + " holds checkpoints, but none that is complete and whole",
                "`bertha verify` names their faults; --train.resume never begins anew");
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> find_resume_point(const TrainOptions& options,
                                                       const PieceDone& piece_done) {
  if (options.resume == "never") return std::nullopt;
  if (options.resume == "auto") return newest_or_throw(options.output / "checkpoints", piece_done);
  if (auto newest = newest_of_branch(options, piece_done)) return newest;
  const std::filesystem::path path = options.resume;
  if (std::filesystem::is_directory(path / "checkpoints")) {
    if (auto newest = newest_or_throw(path / "checkpoints", piece_done)) return newest;
    throw Error(ErrorKind::bad_data, path.string() + " holds no complete checkpoint",
                "check train.resume, or use --train.resume never");
  }
  check_checkpoint(path, CheckpointCheck::all, piece_done);
  return path;
}

std::string agree_on_resume_point(const TrainOptions& options, const ResumeSearch& search) {
  const bool root = search.communicator.rank_info().is_root();
  ProgressBar bar("check checkpoint", 0, "B", root && search.progress);
  Watchdog::Polling polling(search.watchdog, "checking the checkpoint to resume from");
  std::string found;
  std::atomic<std::uint64_t> bytes_done = 0;
  RanksAtWork ranks;
  BackgroundTask task;  // last: ends before what it uses
  if (root) {
    task.start([&](const std::stop_token& stop) {
      const auto folder = find_resume_point(options, [&](std::uint64_t bytes) {
        bytes_done += bytes;
        inject_fault("check");
        if (stop.stop_requested()) throw Error(ErrorKind::internal, "the search was given up");
      });
      if (folder) found = folder->string();
    });
  }
  while (!ranks.ask(search.communicator, task.done(), bytes_done)) {
    polling.waits_for(ranks.behind());
    if (ranks.got_on()) polling.got_on();
    bar.update(bytes_done);
    task.wait_for(std::chrono::milliseconds(20));
  }
  agree_or_throw(search.communicator, [&] { task.rethrow(); });
  return search.communicator.gather_bytes(found).front();
}

std::vector<std::string> check_unchanged(const TrainerState& saved, const RunConfig& config,
                                         const std::string& corpus_digest) {
  Changes changes(config.trainer.train.resume_changed);
  const bool deterministic = config.trainer.train.deterministic;
  for (const auto& [name, now] : config.resolved) {
    const auto found = saved.options.find(name);
    if (found == saved.options.end()) continue;
    if (name.starts_with("task.") && config.task.train.empty()) continue;  // pretraining
    if (name == "train.steps" || name == "train.epochs" || name == "task.epochs") {
      changes.add_length(name, found->second, now);
    } else if (guarded(name, deterministic) && found->second != now) {
      changes.add(fmt::format("{} was '{}' and is now '{}'", name, found->second, now));
    }
  }
  if (!corpus_digest.empty() && !saved.corpus_digest.empty() &&
      saved.corpus_digest != corpus_digest) {
    changes.add(config.task.train.empty()
                    ? "data.corpus holds another corpus than the run began with"
                    : "the examples, or how they are split, are not those the run began with");
  }
  return changes.take();
}

std::vector<std::string> check_same_model(const BertConfig& saved, const BertConfig& now,
                                          bool may_change) {
  Changes shape(false), other(may_change);
  const auto compare = [](Changes& changes, const char* name, const auto& before,
                          const auto& after) {
    if (before == after) return;
    changes.add(fmt::format("the model's {} was {} and is now {}", name, before, after));
  };
  compare(shape, "vocabulary size", saved.vocabulary_size, now.vocabulary_size);
  compare(shape, "hidden_size", saved.hidden_size, now.hidden_size);
  compare(shape, "layers", saved.layers, now.layers);
  compare(shape, "attention_heads", saved.attention_heads, now.attention_heads);
  compare(shape, "intermediate_size", saved.intermediate_size, now.intermediate_size);
  compare(shape, "max_positions", saved.max_positions, now.max_positions);
  compare(shape, "segment types", saved.segment_types, now.segment_types);
  compare(shape, "activation", saved.activation, now.activation);
  compare(shape, "LayerNorm epsilon", saved.layer_norm_epsilon, now.layer_norm_epsilon);
  compare(other, "hidden_dropout", saved.hidden_dropout, now.hidden_dropout);
  compare(other, "attention_dropout", saved.attention_dropout, now.attention_dropout);
  compare(other, "initializer_range", saved.initializer_range, now.initializer_range);
  return other.take();
}

}  // namespace bertha
