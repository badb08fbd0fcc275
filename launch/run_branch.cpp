// Branches by what their checkpoints say, and folders that are renamed.
#include "launch/run_branch.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/checkpoint_folders.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

bool names_a_path(const TrainOptions& options) {
  return options.resume != "auto" && options.resume != "never";
}

fs::path without_slash(const fs::path& path) {
  const auto plain = path.lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

// Those after the branch's first step, or all where it began elsewhere.
std::vector<CheckpointFolder> left_behind(const LeftBehind& what, const fs::path& own) {
  std::error_code error;
  const bool from_own =
      !what.checkpoint.empty() &&
      fs::equivalent(without_slash(fs::absolute(what.checkpoint)).parent_path(), own, error);
  auto folders = list_checkpoints(own);
  std::erase_if(folders, [&](const auto& folder) { return from_own && folder.step <= what.step; });
  return folders;
}

fs::path free_name(const fs::path& output) {
  int number = 1;
  while (fs::exists(output / fmt::format("abandoned-{}", number))) ++number;
  return output / fmt::format("abandoned-{}", number);
}

// So that the curves of the steps are still there, which the branch will write anew.
void copy_metrics(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return;
  if (!fs::copy_file(from, to, error)) {
    log_warning(fmt::format("cannot copy {}: {}", from.string(), error.message()));
  }
}

std::string set_aside(const LeftBehind& what) {
  const auto& output = what.options.output;
  const auto folders = left_behind(what, output / "checkpoints");
  if (folders.empty()) return "";
  const auto aside = free_name(output);
  std::error_code error;
  fs::create_directories(aside / "checkpoints", error);
  if (error) throw_io_error("create folder", (aside / "checkpoints").string(), error.value());
  for (const auto& folder : folders) {  // newest first: what is left is the old branch's, too
    fs::rename(folder.path, aside / "checkpoints" / folder.path.filename(), error);
    if (error) throw_io_error("set aside", folder.path.string(), error.value());
  }
  copy_metrics(output / "metrics.jsonl", aside / "metrics.jsonl");
  return fmt::format(
      "train.resume {}: the run begins at step {}; {} checkpoint{} of another branch (step {} to "
      "{}) {} set aside in {}: nothing uses or removes them",
      what.options.resume, what.step, folders.size(), folders.size() == 1 ? "" : "s",
      folders.back().step, folders.front().step, folders.size() == 1 ? "is" : "are",
      aside.string());
}

}  // namespace

std::string branch_origin(const TrainOptions& options) {
  std::error_code error;
  if (!names_a_path(options) || fs::equivalent(options.resume, options.output, error)) return "";
  const auto path = without_slash(fs::absolute(options.resume));
  const auto origin = fs::weakly_canonical(path, error);  // it may be gone
  return (error ? path : origin).string();
}

std::optional<fs::path> newest_of_branch(const TrainOptions& options, const PieceDone& piece_done) {
  const auto origin = branch_origin(options);
  if (origin.empty()) return std::nullopt;
  const auto is_of_branch = [&](const fs::path& checkpoint) {
    return read_trainer_state(checkpoint).began_from == origin;
  };
  auto newest = newest_checkpoint(options.output / "checkpoints", CheckpointCheck::all, piece_done,
                                  is_of_branch);
  if (newest) {
    log_info(fmt::format("{} is of the branch from {}, which goes on from there", newest->string(),
                         options.resume));
  }
  return newest;
}

bool begin_branch(const TrainOptions& options, TrainerState& start) {
  if (options.resume == "never") return true;
  const auto origin = branch_origin(options);
  if (origin.empty() || start.began_from == origin) return false;
  start.began_from = origin;
  return true;
}

std::string set_aside_left_behind(const LeftBehind& what, Communicator& communicator) {
  std::string message;
  agree_or_throw(communicator, [&] {
    if (communicator.rank_info().is_root() && what.branch_begins) message = set_aside(what);
  });
  if (!message.empty()) log_warning(message);
  return message;
}

std::string stopped_message(const TrainOptions& options) {
  return fmt::format("stopped and saved; the same command {}goes on from there ({})",
                     options.resume == "never" ? "with --train.resume auto " : "",
                     options.output.string());
}

}  // namespace bertha
