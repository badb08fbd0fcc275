// `bertha finetune`: a model and labelled data to a tuned model and its scores.
#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/finetune_seeds.h"
#include "launch/finetune_session.h"
#include "launch/finetune_setup.h"
#include "launch/run_branch.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

Outcome finetune(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.task.seeds < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("task.seeds = {}: expected 1 or more", config.task.seeds));
  }
  if (config.task.seeds > 1) return finetune_seeds(config, mpi);
  FinetuneSession session(config, mpi);
  return session.run();
}

}  // namespace

int run_finetune(const RunConfig& wanted, const MpiEnvironment& mpi) {
  const auto config = with_path_of_frozen_layers(wanted, mpi.rank_info());
  check_output_of_seeds(config);
  if (config.dry_run) {
    dry_run_finetuning(config, mpi);
    return 0;
  }
  const auto outcome = finetune(config, mpi);
  const auto& output = config.trainer.train.output.string();
  if (outcome == Outcome::stopped) {
    log_info(stopped_message(config.trainer.train));
    return static_cast<int>(ErrorKind::stopped);
  }
  log_info(
      fmt::format("done: {}/model, {}/scores.json; next: bertha predict --train.init "
                  "{}/model --task.input FILE",
                  output, output, output));
  return 0;
}

}  // namespace bertha
