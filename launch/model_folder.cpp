// Model folders out of the flat parameter space.
#include "launch/model_folder.h"

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/training_state.h"

namespace bertha {

void write_model_folder(const std::filesystem::path& folder, const ParameterSpace& space,
                        const std::map<std::string, std::string>& files) {
  namespace fs = std::filesystem;
  if (fs::exists(folder) && !fs::exists(folder / "config.json") &&
      !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw Error(ErrorKind::usage, folder.string() + " exists and is no model folder",
                "choose another place, or remove it");
  }
  StagedFolder staged(folder, true);
  write_safetensors(staged.path() / "model.safetensors", named_weights(space), {{"format", "pt"}});
  for (const auto& [name, bytes] : files) write_file(staged.path() / name, bytes);
  staged.publish();
}

}  // namespace bertha
