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
  ~MpiEnvironment();  // finalises, unless an abort is under way
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  const RankInfo& rank_info() const { return rank_info_; }

 private:
  RankInfo rank_info_;
};

// Ends all ranks of the job now with this exit code. Safe to call from any thread, and when MPI was
// not started (then it ends this process).
[[noreturn]] void abort_job(int exit_code) noexcept;

}  // namespace bertha
