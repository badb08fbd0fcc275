// NCCL tests that go wrong on purpose, one at a time, and end the job: see tests/CMakeLists.txt.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/heartbeats.h"
#include "parallel/mpi_environment.h"
#include "parallel/nccl_communicator.h"
#include "parallel/watched_communicator.h"
#include "tests/support/fake_nccl/device.h"
#include "tests/support/rank_communicator.h"

namespace bertha::testing {
namespace {

using std::chrono::seconds;

// Watchdog, heartbeats and communicators of the real program (launch/runtime.cpp).
class MisbehavingNccl : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { use_stand_ins(); }
  ~MisbehavingNccl() override { watchdog_.set_held_up_by({}); }

  void connect() {
    watchdog_.set_held_up_by([this] { return heartbeats_.held_up_by(); });
    watchdog_.report("connecting NCCL");
    nccl_ = make_nccl_communicator(*host_ranks_, seconds(30));
    device_ranks_ = watch_communicator(*nccl_, watchdog_);
  }
  // Let go, not waited for: wait() would meet a fault itself if that came soon enough.
  void all_reduce() { device_ranks_->all_reduce(values_, ReduceOp::sum).reset(); }
  void get_stuck(const std::function<std::unique_ptr<Work>()>& transfer) {
    connect();
    watchdog_.report("a step on the device");
    for (int step = 0; step < 3; ++step) transfer().reset();
    synchronize();
  }
  std::vector<std::int64_t> halves() const { return {500, 500}; }  // of two ranks

  Watchdog watchdog_{seconds(8)};
  std::unique_ptr<Communicator> host_ = rank_communicator();
  std::unique_ptr<Communicator> host_ranks_ = watch_communicator(*host_, watchdog_);
  Heartbeats heartbeats_{*host_ranks_,
                         [this] { return watchdog_.activity(); },
                         {.interval = std::chrono::milliseconds(500), .patience = seconds(4)}};
  std::unique_ptr<Communicator> nccl_, device_ranks_;
  at::Tensor values_ = on_device(at::ones({1000}));
};

// FAKE_NCCL_FAULT makes an all-reduce of rank 1 fail or hang, behind which the host waits.
TEST_F(MisbehavingNccl, HostIsStuckBehindATransfer) {
  get_stuck([this] { return device_ranks_->all_reduce(values_, ReduceOp::sum); });
}

TEST_F(MisbehavingNccl, HostIsStuckBehindAReduceScatter) {
  get_stuck([this] { return device_ranks_->reduce_scatter(values_, halves()); });
}

TEST_F(MisbehavingNccl, HostIsStuckBehindAnAllGather) {
  get_stuck([this] { return device_ranks_->all_gather(values_, halves()); });
}

TEST_F(MisbehavingNccl, HostIsStuckBehindAGroup) {
  const auto output = on_device(at::ones({1000}));
  get_stuck([&] { return device_ranks_->all_to_all(values_, output); });
}

// Of which NCCL tells rank 1 meanwhile that another rank is gone.
TEST_F(MisbehavingNccl, HostIsBusy) {
  connect();
  all_reduce();
  synchronize();
  for (int i = 0; i < 600; ++i) {
    watchdog_.report("a long nap");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Rank 0's host is stuck behind an all-reduce that rank 1 does not come to.
TEST_F(MisbehavingNccl, RankOneDoesNotCome) {
  connect();
  all_reduce();
  synchronize();
  if (process_rank_info().rank == 1) {
    watchdog_.report("a long nap");
    std::this_thread::sleep_for(std::chrono::hours(1));
  }
  watchdog_.report("a step on the device");
  all_reduce();
  synchronize();
}

// FAKE_NCCL_FAULT makes ncclGetUniqueId of rank 0 fail. What the program does with such an error.
TEST_F(MisbehavingNccl, CannotConnect) {
  try {
    connect();
  } catch (const Error& error) {
    log_warning(error.message());
    host_ranks_->abort(error.exit_code());
  }
}

}  // namespace
}  // namespace bertha::testing
