// Several runs of one fine-tuning that differ in their seed, and what their scores say together.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "launch/run_config.h"
#include "parallel/mpi_environment.h"
#include "trainer/trainer.h"

namespace bertha {

// Run n of task.seeds, from 0: its seed, its folder <train.output>/seed-<seed>, the same split of
// the data for all.
RunConfig config_of_seed(const RunConfig& config, int run);

// Scores of runs by seed, each the text of a scores.json.
using SeedScores = std::vector<std::pair<std::uint64_t, std::string>>;

// Under `validation` (of each run's best epoch) and `test`: mean and deviation (of a sample, n - 1)
// of every score; the runs themselves; `best_seed`, the first of those whose validation has the
// best `metric`. Error{bad_data}: a text that is no scores.json, or one without that score.
std::string seeds_json(const SeedScores& scores, const std::string& metric);
// "test accuracy 0.8310 ± 0.0042", comma-separated, out of seeds_json(); of validation where there
// is no test.
std::string seeds_summary(const std::string& json);

// Error{usage}: train.output holds the runs of several seeds and one is asked for, or the other way
// round: scores.json and model/ would be those of different runs.
void check_output_of_seeds(const RunConfig& config);

// Runs those that are not finished; writes <train.output>/scores.json and, of the best seed,
// <train.output>/model. Collective.
Outcome finetune_seeds(const RunConfig& config, const MpiEnvironment& mpi);

}  // namespace bertha
