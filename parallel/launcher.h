// What the launcher of this process announced in its environment, to compare with what MPI found.
// Pure: the environment is handed in.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "parallel/base/rank_info.h"

namespace bertha {

// Value of an environment variable, or nullptr.
using EnvironmentLookup = std::function<const char*(const char* name)>;

struct AnnouncedRanks {
  std::string variable;  // where it stands
  int ranks = 1;
};

// Nothing when no launcher is recognised. Only what the launcher of this very process says counts:
// in a shell inside a Slurm allocation (batch script, salloc) nothing, whatever SLURM_NTASKS holds.
std::optional<AnnouncedRanks> announced_ranks(const EnvironmentLookup& environment);

// Whether srun started this process and tells it nothing of others (--mpi=none), which Open MPI
// takes for a fault of its own and ends the program. A step of one task is a program by itself:
// true. Of more tasks: Error{usage}.
bool is_lone_srun_task(const EnvironmentLookup& environment);

// Error{usage} when MPI found another number of ranks than was announced. Where it found one, the
// program's MPI does not understand this launcher, and every process would train alone. A launcher
// that speaks PMIx and announces no number gives each process its rank: another one than MPI's is
// the same error.
void check_announced_ranks(const EnvironmentLookup& environment, const RankInfo& mpi);

}  // namespace bertha
