// Resume points and the options that may not change under a run.
#include "launch/resume.h"

#include <array>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {
namespace {

// Options of the guarded sections that may change freely: they do not change what is computed.
constexpr std::array<std::string_view, 5> kFree{"data.corpus", "data.workers", "data.verify",
                                                "model.config", "model.implementation"};
constexpr std::array<std::string_view, 4> kGuardedTrainOptions{
    "train.global_batch", "train.seed", "train.precision", "train.deterministic"};

bool guarded(std::string_view name) {
  for (const auto free : kFree) {
    if (name == free) return false;
  }
  for (const auto kept : kGuardedTrainOptions) {
    if (name == kept) return true;
  }
  for (const std::string_view section :
       {"data.", "masking.", "model.", "optimizer.", "schedule."}) {
    if (name.starts_with(section)) return true;
  }
  return false;
}

double number(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void check_length(const std::string& name, const std::string& before, const std::string& now,
                  bool may_change) {
  if (before == now) return;
  if (number(now) >= number(before) || may_change) {
    return log_info(fmt::format("resume: {} was {}, is now {}", name, before, now));
  }
  throw Error(ErrorKind::usage,
              fmt::format("{} was {} and cannot be lowered to {} on resume", name, before, now),
              "use --train.stop_after_steps to end early, or --train.resume_changed true");
}

}  // namespace

std::optional<std::filesystem::path> find_resume_point(const TrainOptions& options) {
  if (options.resume == "never") return std::nullopt;
  if (options.resume == "auto") return newest_checkpoint(options.output / "checkpoints");
  const std::filesystem::path path = options.resume;
  if (std::filesystem::is_directory(path / "checkpoints")) {
    if (auto newest = newest_checkpoint(path / "checkpoints")) return newest;
    throw Error(ErrorKind::bad_data, path.string() + " holds no complete checkpoint",
                "check train.resume, or use --train.resume never");
  }
  check_checkpoint(path, false);
  return path;
}

void check_unchanged(const TrainerState& saved, const RunConfig& config,
                     const std::string& corpus_digest) {
  const bool may_change = config.trainer.train.resume_changed;
  for (const auto& [name, now] : config.resolved) {
    const auto found = saved.options.find(name);
    if (found == saved.options.end()) continue;
    if (name == "train.steps" || name == "train.epochs") {
      check_length(name, found->second, now, may_change);
    } else if (guarded(name) && found->second != now) {
      const auto what = fmt::format("{} was '{}' and is now '{}'", name, found->second, now);
      if (!may_change) {
        throw Error(ErrorKind::usage, "resume: " + what,
                    "set it back, choose another train.output, or add --train.resume_changed true");
      }
      log_warning("resume: " + what);
    }
  }
  if (!corpus_digest.empty() && !saved.corpus_digest.empty() &&
      saved.corpus_digest != corpus_digest) {
    if (!may_change) {
      throw Error(ErrorKind::usage,
                  "resume: data.corpus holds another corpus than the run began with",
                  "give the same corpus, or add --train.resume_changed true");
    }
    log_warning("resume: the corpus is another one than the run began with");
  }
}

}  // namespace bertha
