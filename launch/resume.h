// Where a run starts: a checkpoint of its own folder, weights of another model, or nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "launch/run_config.h"
#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/trainer_state.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// The checkpoint that train.resume means, if any, every byte of it compared with its manifest.
// Damaged ones are passed over with a warning; Error{bad_data} when all are, or when a newer
// program wrote the newest, Error{io} when it cannot be read; and for a named one that is no good.
std::optional<std::filesystem::path> find_resume_point(const TrainOptions& options,
                                                       const PieceDone& piece_done = {});

struct ResumeSearch {
  Communicator& communicator;
  Watchdog& watchdog;
  bool progress = true;  // whether rank 0 shows it
};
// Collective, and the same everywhere: that checkpoint's folder, or nothing. Rank 0 looks for it,
// because ranks may see a shared folder at different moments; what it reads is progress for the
// watchdogs of all ranks, however slow the storage is.
std::string agree_on_resume_point(const TrainOptions& options, const ResumeSearch& search);

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
