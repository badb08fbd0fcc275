// Whether a checkpoint folder is what its manifest says, and which is the newest that is.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_folders.h"
#include "trainer/checkpoint/checkpoint_manifest.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/moment_files.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

void check_listed(const CheckpointManifest& manifest, const fs::path& checkpoint) {
  for (const char* needed : {"model.safetensors", "trainer_state.json"}) {
    if (std::none_of(manifest.files.begin(), manifest.files.end(),
                     [&](const auto& file) { return file.name == needed; })) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}: manifest.json lists no {}", checkpoint.string(), needed),
                  "the checkpoint is damaged: use another one");
    }
  }
}

// A copy under another step's name would be taken for the newest, or for one to be removed.
void check_name(const CheckpointManifest& manifest, const fs::path& checkpoint) {
  const auto folder = checkpoint.has_filename() ? checkpoint : checkpoint.parent_path();
  const auto named = step_of_name(folder.filename().string());
  if (!named || *named == manifest.step) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{} holds step {}, as its manifest.json says, and not that of its name",
                          folder.string(), manifest.step),
              "rename it to " + checkpoint_name(manifest.step) + ", or remove it");
}

// Every parameter of the model has all of every moment, where there are moments.
void check_moments(const fs::path& checkpoint, const CheckpointManifest& manifest,
                   const std::function<void(const std::string&)>& report) {
  const MomentFiles moments(checkpoint, manifest);
  const SafetensorsFile model(checkpoint / "model.safetensors");
  for (const auto& name : moments.moment_names()) {
    for (const auto& entry : model.entries()) {
      std::int64_t elements = 1;
      for (const auto size : entry.shape) elements *= size;
      if (const auto gap = moments.gap({entry.name, name, 0, elements, {}})) report(*gap);
    }
  }
}

}  // namespace

void check_checkpoint(const fs::path& checkpoint, CheckpointCheck check,
                      const PieceDone& piece_done) {
  const auto manifest = CheckpointManifest::from_folder(checkpoint);
  check_name(manifest, checkpoint);
  check_listed(manifest, checkpoint);
  for (const auto& file : manifest.files) check_file(checkpoint, file, false);  // quick, first
  for (const auto& file : manifest.files) {
    const bool wanted = check == CheckpointCheck::all ||
                        (check == CheckpointCheck::model && !is_moment_file(file.name));
    if (wanted) check_file(checkpoint, file, true, piece_done);
  }
}

std::vector<std::string> checkpoint_faults(const fs::path& checkpoint) {
  std::vector<std::string> faults;
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const std::exception& error) {
      faults.emplace_back(error.what());
    }
  };
  CheckpointManifest manifest;
  attempt([&] { manifest = CheckpointManifest::from_folder(checkpoint); });
  if (!faults.empty()) return faults;
  attempt([&] { check_name(manifest, checkpoint); });
  attempt([&] { check_listed(manifest, checkpoint); });
  for (const auto& file : manifest.files) attempt([&] { check_file(checkpoint, file, true); });
  if (!faults.empty()) return faults;  // what follows could only repeat them
  attempt([&] { read_trainer_state(checkpoint); });
  attempt([&] {
    check_moments(checkpoint, manifest, [&](const auto& gap) { faults.push_back(gap); });
  });
  return faults;
}

std::optional<fs::path> newest_checkpoint(const fs::path& checkpoints, CheckpointCheck check,
                                          const PieceDone& piece_done,
                                          const std::function<bool(const fs::path&)>& wanted) {
  for (const auto& folder : list_checkpoints(checkpoints)) {
    try {
      if (wanted) {
        check_checkpoint(folder.path, CheckpointCheck::sizes);
        if (!wanted(folder.path)) return std::nullopt;
      }
      check_checkpoint(folder.path, check, piece_done);
      return folder.path;
    } catch (const Error& error) {
      const bool damaged = error.kind() == ErrorKind::bad_data;
      if (!damaged || CheckpointManifest::is_newer(folder.path)) throw;
      log_warning("passing over a checkpoint: " + error.message());
    }
  }
  return std::nullopt;
}

TrainerState read_trainer_state(const fs::path& checkpoint) {
  const auto path = checkpoint / "trainer_state.json";
  return trainer_state_from_json(read_file(path), path.string());
}

}  // namespace bertha
