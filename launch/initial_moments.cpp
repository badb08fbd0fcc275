// Reads a checkpoint's moments by the names of its parameters.
#include "launch/initial_moments.h"

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/moment_files.h"
#include "trainer/training_state.h"

namespace bertha {

std::int64_t load_initial_moments(const std::filesystem::path& from, const ParameterSpace& space,
                                  Optimizer& optimizer) {
  const auto folder = resolve_model_folder(from);
  if (!std::filesystem::exists(folder / "trainer_state.json")) {
    throw Error(ErrorKind::usage, folder.string() + " is no checkpoint: it holds no moments",
                "give a run or a checkpoint of pretraining, or set train.init_moments to false");
  }
  const auto state = read_trainer_state(folder);
  auto slices = moment_slices(space, optimizer);
  read_moments(folder, slices);
  const auto updates = state.earlier_updates + state.step;
  log_info(fmt::format("moments from {}, of {} updates", folder.string(), updates));
  return updates;
}

}  // namespace bertha
