// What is behind the test-only ncclComm_t: calls are taken up by polling, run on their stream, and
// go wrong on purpose where FAKE_NCCL_FAULT says so.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "tests/support/fake_nccl/exchange.h"

namespace fake_nccl {

// One collective, or one group of messages.
struct Call {
  std::string name;
  cudaStream_t stream = nullptr;
  std::vector<Message> sends, receives;
  std::function<void()> finish;  // when all has come: adds up
  std::string fault = {};        // of a call within the group: what befalls the group
};

// FAKE_NCCL_FAULT=rank:call:number:kind: what goes wrong in this call of this rank; empty: nothing.
// Ends the process where it names a call or a kind that there is not: a test would show nothing.
std::string fault_of(int rank, const std::string& name, int number);
// For calls without a communicator, which are counted since FAKE_NCCL_FAULT was set and can only
// fail: ncclSuccess, or the failure. Other kinds end the process.
ncclResult_t begin_alone(const std::string& name);
// The stream of the newest call of any communicator.
cudaStream_t last_stream();

}  // namespace fake_nccl

// Never freed: its stream and threads may still look at it.
struct ncclComm {
  ncclComm(int its_rank, int its_size, int its_tag, bool is_blocking)
      : rank(its_rank), size(its_size), tag(its_tag), blocking(is_blocking) {}

  const int rank, size, tag;
  const bool blocking;
  std::atomic<bool> aborted = false;

  // What goes wrong in the newest call of this name, but for failing, which begin() does.
  std::string later_fault(const std::string& name);
  // Counts the call; ncclSuccess, or why it cannot be made.
  ncclResult_t begin(const std::string& name);
  // Puts it on its stream: at once when blocking, else at a later poll, as NCCL may do it.
  ncclResult_t launch(fake_nccl::Call call);
  // All ranks meet, on a thread of its own; the communicator is in progress meanwhile.
  ncclResult_t meet(const std::string& name);
  ncclResult_t ask(ncclResult_t* state);  // how the calls went
  ncclResult_t destroy();
  const char* reason() const { return reason_.c_str(); }

 private:
  ncclResult_t poll();
  std::string fault_of(const std::string& name) const;
  // Sleeps, fails or hangs; false: the call shall go no further.
  bool survives(const std::string& fault);
  void run(const fake_nccl::Call& call, const std::string& fault, std::uint64_t sequence);
  void set_result(ncclResult_t result, const std::string& reason);
  void end_of(const std::string& name, fake_nccl::Outcome outcome);

  std::mutex mutex_;
  ncclResult_t result_ = ncclSuccess;
  std::string reason_;
  bool cannot_tell_ = false;
  std::string asked_for_;  // FAKE_NCCL_FAULT of the question before
  std::function<void()> not_launched_;
  int polls_left_ = 0;
  std::uint64_t sequence_ = 0;
  std::map<std::string, int> calls_;
  bool has_stream_ = false;
  cudaStream_t stream_ = nullptr;
};
