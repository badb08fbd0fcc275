// What every command that computes needs: device, threads, communicators, watchdog. Built in order,
// destroyed in reverse, so that NCCL ends before MPI.
#pragma once

#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "launch/run_config.h"
#include "parallel/communicator.h"
#include "parallel/mpi_environment.h"
#include "parallel/watchdog.h"

namespace bertha {

class Runtime {
 public:
  // Chooses device and threads, connects the ranks, starts the watchdog, and makes sure that all
  // ranks were given the same options. Error{usage}: cuda asked for where there is none.
  Runtime(const RunConfig& config, const MpiEnvironment& mpi);

  const RankInfo& rank() const { return host_->rank_info(); }
  Communicator& communicator() { return device_communicator_ ? *device_communicator_ : *host_; }
  Watchdog& watchdog() { return watchdog_; }
  at::Device device() const { return device_; }
  int threads() const { return threads_; }

 private:
  void set_threads(bool deterministic);

  std::unique_ptr<Communicator> host_;
  at::Device device_;
  int threads_;
  std::unique_ptr<Communicator> device_communicator_;  // NCCL; empty: the host's
  Watchdog watchdog_;
};

// Cores this rank may use: its binding if it has one, else its share of the node.
int usable_threads(int asked, const RankInfo& rank);

}  // namespace bertha
