// `bertha pretrain`: corpus to checkpoints.
#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/run_branch.h"
#include "launch/session.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"

namespace bertha {

int run_pretrain(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.dry_run) {
    dry_run_pretraining(config, mpi);
    return 0;
  }
  Session session(config, mpi);
  const auto& output = config.trainer.train.output.string();
  if (session.run() == Outcome::stopped) {
    log_info(stopped_message(config.trainer.train));
    return static_cast<int>(ErrorKind::stopped);
  }
  const auto& state = session.state();
  log_info(fmt::format(
      "done: {} steps, {} sequences, {} tokens; model in {}/checkpoints/step-{:08}, curves in "
      "{}/report.html",
      state.step, human_count(static_cast<double>(state.samples)),
      human_count(static_cast<double>(state.tokens)), output, state.step, output));
  log_info(fmt::format(
      "next: bertha finetune --train.init {} --task.train FILE --train.output tuned", output));
  return 0;
}

}  // namespace bertha
