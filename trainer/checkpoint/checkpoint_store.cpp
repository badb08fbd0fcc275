// Saving: everyone writes into one staging folder, all agree, rank 0 commits by renaming it.
#include "trainer/checkpoint/checkpoint_store.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_folders.h"
#include "trainer/checkpoint/checkpoint_manifest.h"
#include "trainer/checkpoint/moment_files.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

WrittenFile write_text(const fs::path& path, const std::string& text) {
  FileWriter writer(path);
  writer.write(text);
  return writer.finish();
}

// Place among the ranks that have moments: files are numbered without holes.
struct MomentWriter {
  int number = 0, count = 0;
};

MomentWriter moment_writer(Communicator& communicator, bool has_moments) {
  const auto flags = communicator.gather_bytes(has_moments ? "1" : "");
  MomentWriter writer;
  for (std::size_t rank = 0; rank < flags.size(); ++rank) {
    if (flags[rank].empty()) continue;
    if (static_cast<int>(rank) < communicator.rank_info().rank) ++writer.number;
    ++writer.count;
  }
  return writer;
}

// What this rank adds to the folder.
std::vector<WrittenFile> write_share(const fs::path& folder, const CheckpointContents& contents,
                                     bool root, const MomentWriter& writer) {
  std::vector<WrittenFile> files;
  if (!contents.moments.empty()) {
    files.push_back(
        write_moments(folder / moment_file_name(writer.number, writer.count), contents.moments));
  }
  if (!root) return files;
  files.push_back(
      write_safetensors(folder / "model.safetensors", contents.weights, {{"format", "pt"}}));
  for (const auto& [name, bytes] : contents.files) {
    files.push_back(write_text(folder / name, bytes));
  }
  files.push_back(write_text(folder / "trainer_state.json", trainer_state_to_json(contents.state)));
  return files;
}

// Everyone's files, known to rank 0.
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

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, Communicator& communicator,
                                 RetentionOptions retention)
    : folder_(std::move(folder)), communicator_(communicator), retention_(retention) {}

fs::path CheckpointStore::save(const CheckpointContents& contents) {
  const bool root = communicator_.rank_info().is_root();
  const auto step = contents.state.step;
  const auto final_path = folder_ / checkpoint_name(step);
  std::unique_ptr<StagedFolder> staged;
  try {
    agree_or_throw(communicator_, [&] {
      if (!root) return;
      remove_leftovers(folder_);
      staged = std::make_unique<StagedFolder>(final_path, true);
    });
    if (!root) staged = std::make_unique<StagedFolder>(final_path, false);
    const auto writer = moment_writer(communicator_, !contents.moments.empty());
    std::vector<WrittenFile> mine;
    agree_or_throw(communicator_,
                   [&] { mine = write_share(staged->path(), contents, root, writer); });
    const auto manifest = gather_manifest(communicator_, step, mine);
    agree_or_throw(communicator_, [&] {
      if (!root) return;
      write_text(staged->path() / "manifest.json", manifest.to_json());
      staged->publish();
    });
  } catch (const Error& error) {
    staged.reset();
    // Nobody leaves, and perhaps ends the job, before rank 0 has cleaned up; unless ranks are gone.
    if (error.kind() != ErrorKind::communication) communicator_.gather_bytes("");
    throw;
  }
  if (root) delete_old(step);
  return final_path;
}

// The checkpoint is safe by now: what goes wrong here must not stop the run, nor one rank alone.
void CheckpointStore::delete_old(std::int64_t just_written) const {
  try {
    delete_old_checkpoints(folder_, retention_, just_written);
  } catch (const std::exception& error) {
    log_warning(std::string("old checkpoints stay: ") + error.what());
  }
}

}  // namespace bertha
