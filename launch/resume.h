// Where a run starts: a checkpoint of its own folder, weights of another model, or nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "launch/run_config.h"
#include "trainer/checkpoint/trainer_state.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// The checkpoint that train.resume means, if any, every byte of it compared with its manifest.
// Damaged ones are passed over with a warning; Error{bad_data} when all are, and Error{bad_data} or
// Error{io} for a named one that is.
std::optional<std::filesystem::path> find_resume_point(const TrainOptions& options);

// Error{usage} names the first option of data, batch, model or schedule that differs from those
// the checkpoint was trained with, unless train.resume_changed; raising steps or epochs is allowed.
// What changed is logged and returned. `corpus_digest` empty: not compared.
std::vector<std::string> check_unchanged(const TrainerState& saved, const RunConfig& config,
                                         const std::string& corpus_digest);

// The checkpoint's config.json beside the model of this run. Error{usage} names what differs; that
// of dropout and initial weights may, with train.resume_changed, and is logged and returned.
std::vector<std::string> check_same_model(const BertConfig& saved, const BertConfig& now,
                                          bool may_change);

}  // namespace bertha
