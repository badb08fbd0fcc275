// MPI's lifetime: initialised before argv is parsed, finalised last. One per process.
#pragma once

#include <chrono>
#include <functional>
#include <list>

#include "parallel/base/rank_info.h"

namespace bertha {

class MpiEnvironment {
 public:
  // Initialises MPI (funneled: MPI calls come from the main thread) and cross-checks the world size
  // with what mpirun, PMIx or Slurm announced: another number of ranks than was meant, such as N
  // separate single ones, is Error{usage}. MPI waits for all ranks: if that takes longer than
  // `limit` (zero: however long), this process says so and ends the job with 76.
  explicit MpiEnvironment(std::chrono::seconds limit = {});
  // Finalises, which waits for all ranks; so not when an abort is under way, and not when an
  // exception unwinds this rank of several: the others may never come, and the launcher ends them.
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  // The end waits for all ranks, too. For work that all of them end together, but for what rank 0
  // still writes: a rank that does not come `limit` later ends the job in the same way.
  void limit_end(std::chrono::seconds limit) { end_limit_ = limit; }

  const RankInfo& rank_info() const { return rank_info_; }

 private:
  std::chrono::seconds end_limit_{};
  RankInfo rank_info_;
};

// This process's rank as the MpiEnvironment found it; one rank alone before that. Any thread.
RankInfo process_rank_info() noexcept;

// Ends all ranks of the job now with this exit code. Safe to call from any thread, and when MPI was
// not started (then it ends this process). The code of the rank that gives up first is left in the
// file that BERTHA_EXIT_FILE names, if it does: srun tells 137 of the ranks that it killed for it.
[[noreturn]] void abort_job(int exit_code) noexcept;

// While it lives: what abort_job of several ranks does first, on a thread of its own, for which it
// waits two seconds and no longer. Destroying it waits for work that is under way.
class BeforeAbort {
 public:
  explicit BeforeAbort(std::function<void()> work);
  ~BeforeAbort();
  BeforeAbort(const BeforeAbort&) = delete;
  BeforeAbort& operator=(const BeforeAbort&) = delete;

 private:
  std::list<std::function<void()>>::iterator place_;
};

// Returns, unless abort_job was called: then the process ends while its caller stays here. For
// whoever would otherwise go on with what an aborted transfer left, or report it as a failure.
void stay_if_aborting() noexcept;

}  // namespace bertha
