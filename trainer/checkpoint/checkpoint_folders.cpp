// Lists, cleans and thins out a run's checkpoints folder.
#include "trainer/checkpoint/checkpoint_folders.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::size_t kDigits = 8;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return paths;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    paths.push_back(entries->path());
  }
  if (error) throw_io_error("read folder", folder.string(), error.value());
  return paths;
}

void warn(const char* action, const fs::path& path, const std::error_code& error) {
  log_warning(fmt::format("cannot {} {}: {}", action, path.string(), error.message()));
}

void remove_folder(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) warn("remove", path, error);
}

std::vector<CheckpointFolder> complete_checkpoints(const fs::path& checkpoints) {
  auto folders = list_checkpoints(checkpoints);
  std::erase_if(folders, [](const CheckpointFolder& folder) {
    try {
      check_checkpoint(folder.path, CheckpointCheck::sizes);
      return false;
    } catch (const Error&) {
      return true;
    }
  });
  return folders;
}

// Steps of the `count` checkpoints that were validated with the lowest loss; of equals the newest.
std::set<std::int64_t> best_steps(const std::vector<CheckpointFolder>& folders, int count) {
  std::vector<std::pair<double, std::int64_t>> losses;
  for (const auto& [step, path] : folders) {
    try {
      const auto loss = read_trainer_state(path).validation_loss;
      if (loss) losses.emplace_back(*loss, -step);
    } catch (const Error& error) {
      log_warning("its validation loss is not known: " + error.message());
    }
  }
  std::sort(losses.begin(), losses.end());
  std::set<std::int64_t> steps;
  for (const auto& [loss, step] : losses) {
    if (static_cast<int>(steps.size()) < count) steps.insert(-step);
  }
  return steps;
}

void delete_checkpoint(const fs::path& path) {
  const fs::path doomed = path.string() + ".deleted";
  std::error_code error;
  fs::rename(path, doomed, error);
  if (error) {
    warn("rename", path, error);
  } else {
    remove_folder(doomed);
  }
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  return fmt::format("{}{:0{}}", kPrefix, step, kDigits);
}

std::optional<std::int64_t> step_of_name(std::string_view folder_name) {
  if (!folder_name.starts_with(kPrefix)) return std::nullopt;
  const auto digits = folder_name.substr(kPrefix.size());
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (error != std::errc() || checkpoint_name(step) != folder_name) return std::nullopt;
  return step;
}

std::vector<CheckpointFolder> list_checkpoints(const fs::path& checkpoints) {
  std::vector<CheckpointFolder> folders;
  for (const auto& path : entries_of(checkpoints)) {
    const auto step = step_of_name(path.filename().string());
    if (!step) continue;
    std::error_code error;
    const auto status = fs::status(path, error);
    // Nobody may take a folder that cannot be looked at for one that is not there.
    if (status.type() == fs::file_type::none) throw_io_error("read", path.string(), error.value());
    if (fs::is_directory(status)) folders.push_back({*step, path});
  }
  std::sort(folders.begin(), folders.end(),
            [](const auto& a, const auto& b) { return a.step > b.step; });
  return folders;
}

void remove_leftovers(const fs::path& checkpoints) {
  for (const auto& path : entries_of(checkpoints)) {
    if (!step_of_name(path.stem().string())) continue;  // not ours
    const auto kind = path.extension();
    std::error_code error;
    const auto replacement = fs::path(path).replace_extension();
    if (kind == ".staging" || kind == ".deleted" ||
        (kind == ".replaced" && fs::exists(replacement, error))) {
      remove_folder(path);
    }
  }
}

void delete_old_checkpoints(const fs::path& checkpoints, const RetentionOptions& retention,
                            std::int64_t just_written, const std::set<std::int64_t>& passed_over) {
  if (retention.keep_last <= 0) return;
  // Others are neither counted as good ones nor touched.
  auto folders = complete_checkpoints(checkpoints);
  std::erase_if(folders, [&](const auto& folder) { return passed_over.contains(folder.step); });
  const auto best = best_steps(folders, retention.keep_best);
  int kept = 0;
  for (const auto& [step, path] : folders) {
    if (++kept <= retention.keep_last || step == just_written || best.contains(step)) continue;
    if (retention.keep_every > 0 && step % retention.keep_every == 0) continue;
    delete_checkpoint(path);
  }
}

}  // namespace bertha
