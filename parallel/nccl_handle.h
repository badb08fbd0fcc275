// An NCCL communicator that never blocks for good: every call is waited for with a limit, and a
// transfer that fails while the host is stuck behind it ends the job all the same. A job that ends
// aborts it first, so that nothing stays stuck on the device.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include <nccl.h>

#include "parallel/base/rank_info.h"
#include "parallel/mpi_environment.h"

namespace bertha {

class NcclHandle {
 public:
  // Error{communication} when not all ranks arrive within `timeout`; zero: it waits for ever.
  NcclHandle(const ncclUniqueId& id, const RankInfo& rank, std::chrono::seconds timeout);
  ~NcclHandle();
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  ncclComm_t get() const { return comm_; }  // only within `start` of call()

  // Calls NCCL and waits until the call has been taken up, not until its transfer is done. `call`
  // is a literal. Error{communication} names it, or the one whose transfer has failed meanwhile.
  void call(const char* name, const std::function<ncclResult_t()>& start,
            std::source_location where = std::source_location::current());
  // Throws if a transfer has failed since.
  void check_transfers(std::source_location where = std::source_location::current());

 private:
  void begin(const char* name, const std::function<ncclResult_t()>& start,
             const std::source_location& where);
  // With the mutex:
  ncclResult_t state_of_transfers();
  std::string reason(ncclResult_t result) const;
  std::string last_call() const;
  // Without it:
  void settle(ncclResult_t result, const char* name, const std::source_location& where);
  // A failed communicator can only be aborted.
  [[noreturn]] void fail(std::string_view what, const std::string& why,
                         const std::source_location& where);
  bool connected();
  void destroy();
  ncclComm_t take();
  void give_up();
  void watch(const std::stop_token& stop);

  std::mutex mutex_;  // held while NCCL is called; guards what follows against the other threads
  ncclComm_t comm_ = nullptr;
  const char* last_call_ = "no call";
  std::uint64_t calls_ = 0;
  bool asked_in_vain_ = false;  // how the transfers went, the last time
  std::chrono::seconds timeout_;
  BeforeAbort before_abort_{[this] { give_up(); }};
  std::jthread watcher_;  // last member: ends before what it uses
};

}  // namespace bertha
