// One function per subcommand. Each returns the process exit code (0, or 75 when stopped on
// request) and throws Error for everything else.
#pragma once

#include "launch/run_config.h"
#include "parallel/mpi_environment.h"

namespace bertha {

int run_vocab(const RunConfig& config, const MpiEnvironment& mpi);
int run_prepare(const RunConfig& config, const MpiEnvironment& mpi);
int run_pretrain(const RunConfig& config, const MpiEnvironment& mpi);
int run_finetune(const RunConfig& config, const MpiEnvironment& mpi);
int run_evaluate(const RunConfig& config, const MpiEnvironment& mpi);
int run_predict(const RunConfig& config, const MpiEnvironment& mpi);
int run_plan(const RunConfig& config, const MpiEnvironment& mpi);
int run_export(const RunConfig& config, const MpiEnvironment& mpi);
int run_inspect(const RunConfig& config, const MpiEnvironment& mpi);
int run_verify(const RunConfig& config, const MpiEnvironment& mpi);
int run_report(const RunConfig& config, const MpiEnvironment& mpi);
int run_completion(const RunConfig& config, const MpiEnvironment& mpi);

}  // namespace bertha
