// train.dry_run: checks all that a command would use, builds and writes nothing, prints the plan.
#pragma once

#include "launch/run_config.h"
#include "parallel/mpi_environment.h"

namespace bertha {

// Options, corpus, vocabulary, model, weights or checkpoint to start from, place for the results.
void dry_run_pretraining(const RunConfig& config, const MpiEnvironment& mpi);
// The same, and every labelled example.
void dry_run_finetuning(const RunConfig& config, const MpiEnvironment& mpi);
// Options, vocabulary, which files would be read as what, place for the corpus.
void dry_run_prepare(const RunConfig& config, const MpiEnvironment& mpi);

}  // namespace bertha
