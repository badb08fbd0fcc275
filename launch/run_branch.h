// A run that begins before checkpoints of its own folder (train.resume PATH, or never) leaves them
// behind: they are set aside, and the next start goes on with the new branch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "launch/run_config.h"
#include "parallel/communicator.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/trainer_state.h"

namespace bertha {

// What checkpoints of a branch say that it began from: the path of train.resume, absolute. Empty
// for auto, for never, and for the run's own folder, which only goes on.
std::string branch_origin(const TrainOptions& options);

// The newest whole checkpoint of the run's folder, if the branch from branch_origin() wrote it: a
// command that is given again goes on from there. Damaged ones are passed over with a warning.
std::optional<std::filesystem::path> newest_of_branch(const TrainOptions& options,
                                                      const PieceDone& piece_done = {});

// `start`: read from the checkpoint to resume from, or of nothing yet. Notes there where its branch
// began, and says whether that is here.
bool begin_branch(const TrainOptions& options, TrainerState& start);

struct LeftBehind {
  const TrainOptions& options;
  bool branch_begins;      // see above
  std::string checkpoint;  // that the run resumes from; empty: none
  std::int64_t step;       // of that
};
// Collective. Rank 0 moves all checkpoints of the run's folder that the
// branch does not come from to OUTPUT/abandoned-N/checkpoints, and copies metrics.jsonl there.
// Returns on rank 0 what it did, for the log and the metrics; empty: there were none. Error{io}
// when they cannot be moved: the next start would take them for the run's own.
std::string set_aside_left_behind(const LeftBehind& what, Communicator& communicator);

// The last word of a run that was stopped and saved.
std::string stopped_message(const TrainOptions& options);

}  // namespace bertha
