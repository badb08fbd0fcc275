// `bertha pretrain`: corpus to checkpoints.
#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/session.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {

int run_pretrain(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.dry_run) {
    dry_run_pretraining(config, mpi);
    return 0;
  }
  Session session(config, mpi);
  const auto& output = config.trainer.train.output.string();
  if (session.run() == Outcome::stopped) {
    log_info(fmt::format("stopped and saved; the same command goes on from there ({})", output));
    return static_cast<int>(ErrorKind::stopped);
  }
  log_info(
      fmt::format("done; next: bertha finetune --train.init {} --task.train FILE "
                  "--train.output tuned",
                  output));
  return 0;
}

}  // namespace bertha
