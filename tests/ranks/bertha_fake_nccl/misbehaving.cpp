// NCCL tests that go wrong on purpose, one at a time, and end the job: see tests/CMakeLists.txt.
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "parallel/mpi_environment.h"
#include "parallel/nccl_communicator.h"
#include "parallel/watched_communicator.h"
#include "tests/support/fake_nccl/device.h"
#include "tests/support/rank_communicator.h"

namespace bertha::testing {
namespace {

using std::chrono::seconds;

// FAKE_NCCL_FAULT makes an all-reduce of rank 1 fail or hang, behind which the host waits.
TEST(MisbehavingNccl, HostIsStuckBehindATransfer) {
  use_stand_ins();
  const auto host = rank_communicator();
  Watchdog watchdog(seconds(8));
  watchdog.report("a step on the device");
  const auto nccl = make_nccl_communicator(*host, seconds(30));
  const auto watched = watch_communicator(*nccl, watchdog);
  const auto values = on_device(at::ones({1000}));
  // Let go, not waited for: wait() would meet the fault itself if that came soon enough.
  for (int step = 0; step < 3; ++step) watched->all_reduce(values, ReduceOp::sum).reset();
  synchronize();
}

}  // namespace
}  // namespace bertha::testing
