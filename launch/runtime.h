// What every command that computes needs: device, threads, communicators, watchdog. Built in order,
// destroyed in reverse, so that NCCL ends before MPI.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "launch/run_config.h"
#include "parallel/communicator.h"
#include "parallel/mpi_environment.h"
#include "parallel/watched_ranks.h"

namespace bertha {

// parallel.bucket_bytes, or: over MPI small ones, of which most go out while backward still runs
// (no size was found to be better by more than the noise: tests/bench/results); over NCCL larger
// ones, which no measurement has judged.
std::int64_t bucket_bytes(const ParallelOptions& options, bool over_nccl);

class Runtime {
 public:
  // Connects the ranks, starts the watchdog, makes sure that all ranks were given the same options,
  // and takes this rank's device and threads. Error{usage}: cuda or nccl asked for where there
  // is none, GPUs that not every rank has to itself, or several of them over MPI.
  Runtime(const RunConfig& config, const MpiEnvironment& mpi);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const RankInfo& rank() const { return ranks_.communicator().rank_info(); }
  Communicator& communicator() { return device_ranks_ ? *device_ranks_ : ranks_.communicator(); }
  Watchdog& watchdog() { return ranks_.watchdog(); }
  at::Device device() const { return device_; }
  int threads() const { return threads_; }
  std::int64_t bucket_bytes() const { return bucket_bytes_; }

 private:
  void compare_ranks(const RunConfig& config);
  void take_place(const TrainOptions& train);
  void set_threads(bool deterministic);

  WatchedRanks ranks_;  // on the host
  at::Device device_ = at::Device(at::kCPU);
  int threads_ = 1;
  std::int64_t bucket_bytes_ = 0;
  std::unique_ptr<Communicator> nccl_, device_ranks_;  // the second watched; empty: the host's
};

}  // namespace bertha
