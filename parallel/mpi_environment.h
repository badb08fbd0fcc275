// MPI's lifetime: initialised before argv is parsed, finalised last. One per process.
#pragma once

#include "parallel/base/rank_info.h"

namespace bertha {

class MpiEnvironment {
 public:
  // Initialises MPI (funneled: MPI calls come from the main thread) and cross-checks the world size
  // with what mpirun, PMIx or Slurm announced: N separate single ranks where N ranks were meant is
  // Error{communication}.
  MpiEnvironment();
  // Finalises, which waits for all ranks; so not when an abort is under way, and not when an
  // exception unwinds this rank of several: the others may never come, and the launcher ends them.
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  const RankInfo& rank_info() const { return rank_info_; }

 private:
  RankInfo rank_info_;
};

// This process's rank as the MpiEnvironment found it; one rank alone before that. Any thread.
RankInfo process_rank_info() noexcept;

// Ends all ranks of the job now with this exit code. Safe to call from any thread, and when MPI was
// not started (then it ends this process).
[[noreturn]] void abort_job(int exit_code) noexcept;

}  // namespace bertha
