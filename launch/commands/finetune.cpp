// `bertha finetune`: a model and labelled data to a tuned model and its scores.
#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/finetune_session.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {

int run_finetune(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.dry_run) {
    dry_run_finetuning(config, mpi);
    return 0;
  }
  FinetuneSession session(config, mpi);
  const auto& output = config.trainer.train.output.string();
  if (session.run() == Outcome::stopped) {
    log_info(fmt::format("stopped and saved; the same command goes on from there ({})", output));
    return static_cast<int>(ErrorKind::stopped);
  }
  log_info(
      fmt::format("done: {0}/model, {0}/scores.json; next: bertha predict --train.init "
                  "{0}/model --task.input FILE",
                  output));
  return 0;
}

}  // namespace bertha
