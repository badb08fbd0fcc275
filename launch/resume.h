// Where a run starts: a checkpoint of its own folder, weights of another model, or nothing.
#pragma once

#include <filesystem>
#include <optional>

#include "launch/run_config.h"
#include "trainer/checkpoint/trainer_state.h"

namespace bertha {

// The checkpoint that train.resume means, if any. Error{bad_data} or Error{io} for a named one that
// is not complete.
std::optional<std::filesystem::path> find_resume_point(const TrainOptions& options);

// Error{usage} names the first option of data, batch, model or schedule that differs from those
// the checkpoint was trained with, unless train.resume_changed; raising steps or epochs is allowed
// and logged. `corpus_digest` empty: not compared.
void check_unchanged(const TrainerState& saved, const RunConfig& config,
                     const std::string& corpus_digest);

}  // namespace bertha
