// Saving: everyone writes into one staging folder, all agree, rank 0 commits by renaming it.
#include "trainer/checkpoint/checkpoint_store.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/background_task.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "parallel/ranks_at_work.h"
#include "trainer/checkpoint/checkpoint_folders.h"
#include "trainer/checkpoint/checkpoint_manifest.h"
#include "trainer/checkpoint/checkpoint_writing.h"
#include "trainer/checkpoint/host_copy.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t number_in(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Everyone's files, in the order of their names.
CheckpointManifest gather_manifest(Communicator& communicator, std::int64_t step,
                                   const std::vector<WrittenFile>& mine) {
  CheckpointManifest manifest{step, communicator.rank_info().world_size, {}};
  for (const auto& packed : communicator.gather_bytes(pack_files(mine))) {
    const auto files = unpack_files(packed);
    manifest.files.insert(manifest.files.end(), files.begin(), files.end());
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return manifest;
}

// The checkpoint is safe by now: what goes wrong here must not fail the save.
void thin_out(const fs::path& folder, const RetentionOptions& retention, std::int64_t just_written,
              const std::set<std::int64_t>& passed_over) {
  try {
    delete_old_checkpoints(folder, retention, just_written, passed_over);
  } catch (const std::exception& error) {
    log_warning(std::string("old checkpoints stay: ") + error.what());
  }
}

}  // namespace

struct CheckpointStore::Save {
  enum class Phase { writing, committing };

  SaveOutcome outcome;
  Clock::time_point begin = Clock::now();
  Phase phase = Phase::writing;
  CheckpointContents contents;  // tensors live until the task is done
  MomentWriter moments;
  std::unique_ptr<StagedFolder> staged;  // rank 0's
  std::optional<Error> failed_to_start;
  std::vector<WrittenFile> files;             // what this rank wrote
  std::atomic<std::uint64_t> bytes_done = 0;  // written or read back, by this rank
  RanksAtWork ranks;
  BackgroundTask task;  // last: ends before what it uses
};

CheckpointStore::CheckpointStore(fs::path folder, Communicator& communicator,
                                 RetentionOptions retention)
    : folder_(std::move(folder)),
      communicator_(communicator),
      retention_(retention),
      host_copy_(std::make_unique<HostCopy>()) {}

CheckpointStore::~CheckpointStore() = default;

void CheckpointStore::starts_at(std::int64_t step) {
  passed_over_.clear();
  if (!communicator_.rank_info().is_root()) return;  // which removes old ones
  for (const auto& folder : list_checkpoints(folder_)) {
    if (folder.step > step) passed_over_.insert(folder.step);
  }
}

bool CheckpointStore::under_way() const {
  return save_ != nullptr;
}

void CheckpointStore::begin(const CheckpointContents& contents, bool copy) {
  if (save_) throw Error(ErrorKind::internal, "a save begins while another one is under way");
  save_ = std::make_unique<Save>();
  auto& save = *save_;
  save.outcome.step = contents.state.step;
  save.outcome.path = folder_ / checkpoint_name(contents.state.step);
  try {
    prepare(contents);
    copy_and_write(contents, copy);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::communication) throw;
    save.failed_to_start = error;
  }
  save.outcome.stalled_seconds += seconds_since(save.begin);
}

// A copy that fails (no memory) fails like a write: on this rank first, agreed later.
void CheckpointStore::copy_and_write(const CheckpointContents& contents, bool copy) {
  auto& save = *save_;
  std::exception_ptr failure;
  try {
    save.contents = copy ? host_copy_->take(contents) : contents;
  } catch (...) {
    failure = std::current_exception();
  }
  const bool root = communicator_.rank_info().is_root();
  save.task.start([&save, root, failure](const std::stop_token& stop) {
    if (failure) std::rethrow_exception(failure);
    const WritingShare share{save.outcome.path.string() + ".staging", save.contents, root,
                             save.moments};
    save.files = write_share(share, save.bytes_done, stop);
  });
}

// Numbers the writers of moments; rank 0 makes room and the staging folder. The same error is
// thrown on all ranks.
void CheckpointStore::prepare(const CheckpointContents& contents) {
  const auto& rank = communicator_.rank_info();
  const auto mine = bytes_to_write(contents, rank.is_root());
  const auto needs =
      communicator_.gather_bytes(fmt::format("{}{}", contents.moments.empty() ? "-" : "+", mine));
  std::uint64_t bytes = 0;
  for (std::size_t other = 0; other < needs.size(); ++other) {
    bytes += number_in(needs[other].substr(1));
    if (needs[other].front() != '+') continue;
    if (static_cast<int>(other) < rank.rank) ++save_->moments.number;
    ++save_->moments.count;
  }
  agree_or_throw(communicator_, [&] {
    if (!rank.is_root()) return;
    if (!cleaned_) remove_leftovers(folder_);
    cleaned_ = true;
    save_->staged = std::make_unique<StagedFolder>(save_->outcome.path, true);
    require_space(save_->staged->path(), bytes, save_->outcome.path);
  });
}

void CheckpointStore::commit_in_background() {
  auto& save = *save_;
  const auto manifest = gather_manifest(communicator_, save.outcome.step, save.files);
  save.phase = Save::Phase::committing;
  if (!communicator_.rank_info().is_root()) return;
  save.task.start([&save, manifest, folder = folder_, retention = retention_,
                   passed_over = passed_over_](const std::stop_token&) mutable {
    commit(*save.staged, manifest);
    ++save.bytes_done;
    passed_over.erase(save.outcome.step);
    thin_out(folder, retention, save.outcome.step, passed_over);
  });
}

std::optional<SaveOutcome> CheckpointStore::poll() {
  if (!save_) return std::nullopt;
  if (save_->failed_to_start) return conclude(save_->failed_to_start);
  const auto begin = Clock::now();
  try {
    if (save_->ranks.ask(communicator_, save_->task.done(), save_->bytes_done)) {
      agree_or_throw(communicator_, [&] { save_->task.rethrow(); });
      if (save_->phase == Save::Phase::committing) return conclude({});
      commit_in_background();
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::communication) throw;
    return conclude(error);
  }
  save_->outcome.stalled_seconds += seconds_since(begin);
  return std::nullopt;
}

SaveOutcome CheckpointStore::conclude(std::optional<Error> failure) {
  auto outcome = std::move(save_->outcome);
  if (!failure) passed_over_.erase(outcome.step);  // replaced
  outcome.seconds = seconds_since(save_->begin);
  outcome.failure = std::move(failure);
  save_.reset();
  // Nobody leaves, and perhaps ends the job, before rank 0 has cleaned up.
  if (outcome.failure) communicator_.gather_bytes("");
  return outcome;
}

SaveOutcome CheckpointStore::finish(Watchdog* watchdog) {
  if (!save_) throw Error(ErrorKind::internal, "no save is under way");
  const auto begin = Clock::now();
  const double stalled_before = save_->outcome.stalled_seconds;
  constexpr std::chrono::milliseconds kPatience{20};
  std::optional<Watchdog::Polling> polling;
  if (watchdog) polling.emplace(*watchdog, "waiting for a checkpoint to be written");
  for (;;) {
    if (auto outcome = poll()) {
      outcome->stalled_seconds = stalled_before + seconds_since(begin);
      return *outcome;
    }
    if (polling) polling->waits_for(save_->ranks.behind());
    if (polling && save_->ranks.got_on()) polling->got_on();
    save_->task.wait_for(kPatience);
  }
}

fs::path CheckpointStore::save(const CheckpointContents& contents, Watchdog* watchdog) {
  begin(contents, false);
  const auto outcome = finish(watchdog);
  if (outcome.failure) throw Error(*outcome.failure);
  return outcome.path;
}

}  // namespace bertha
