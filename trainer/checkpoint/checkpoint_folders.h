// Names of checkpoint folders, which of them a run has, and which it keeps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {

std::string checkpoint_name(std::int64_t step);                          // "step-00000500"
std::optional<std::int64_t> step_of_name(std::string_view folder_name);  // of such a name only

struct CheckpointFolder {
  std::int64_t step;
  std::filesystem::path path;
};
// Folders of that name, newest first; whether they are complete is another question. Empty when
// `checkpoints` does not exist; Error{io} when it cannot be read.
std::vector<CheckpointFolder> list_checkpoints(const std::filesystem::path& checkpoints);

// Removes what killed runs left: step-*.staging, step-*.deleted, and step-*.replaced where the
// replacement is there. Failures are warnings.
void remove_leftovers(const std::filesystem::path& checkpoints);

// Deletes complete checkpoints that the options do not keep; never `just_written`, and none of the
// steps `passed_over`, which are not counted either: they are known to be damaged. A folder is
// renamed to step-*.deleted first, so that none is ever half there. Failures are warnings.
void delete_old_checkpoints(const std::filesystem::path& checkpoints,
                            const RetentionOptions& retention, std::int64_t just_written,
                            const std::set<std::int64_t>& passed_over = {});

}  // namespace bertha
