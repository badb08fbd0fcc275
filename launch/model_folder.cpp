// Model folders out of the flat parameter space.
#include "launch/model_folder.h"

#include <system_error>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/training_state.h"

namespace bertha {

namespace fs = std::filesystem;
namespace {

void check_place(const fs::path& folder) {
  if (fs::exists(folder) && !fs::exists(folder / "config.json") &&
      !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw Error(ErrorKind::usage, folder.string() + " exists and is no model folder",
                "choose another place, or remove it");
  }
}

// Whoever replaces a file of either folder does so by a rename, so that the other's stays.
void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) fs::copy_file(from, to, error);
  if (error) throw_io_error("copy", from.string(), error.value());
}

}  // namespace

void write_model_folder(const fs::path& folder, const ParameterSpace& space,
                        const std::map<std::string, std::string>& files) {
  check_place(folder);
  StagedFolder staged(folder, true);
  write_safetensors(staged.path() / "model.safetensors", named_weights(space), {{"format", "pt"}});
  for (const auto& [name, bytes] : files) write_file(staged.path() / name, bytes);
  staged.publish();
}

void repeat_model_folder(const fs::path& from, const fs::path& to) {
  check_place(to);
  StagedFolder staged(to, true);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file()) {
      link_or_copy(entry.path(), staged.path() / entry.path().filename());
    }
  }
  staged.publish();
}

}  // namespace bertha
