// Non-blocking NCCL: calls return ncclInProgress, ncclCommGetAsyncError says how they went.
#include "parallel/nccl_handle.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <future>
#include <utility>

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/error_line.h"
#include "parallel/base/log.h"
#include "parallel/mpi_environment.h"
#include "parallel/native_check.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{500};
// A host that is not stuck finds the error itself and ends in better order.
constexpr std::chrono::seconds kGrace{3};
constexpr std::chrono::seconds kLongestDestroy{30};  // it waits for nobody

bool is_error(ncclResult_t result) {
  return result != ncclSuccess && result != ncclInProgress;
}

}  // namespace

NcclHandle::NcclHandle(const ncclUniqueId& id, const RankInfo& rank, std::chrono::seconds timeout)
    : timeout_(timeout) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  begin(
      "ncclCommInitRankConfig",
      [&] { return ncclCommInitRankConfig(&comm_, rank.world_size, id, rank.rank, &config); },
      std::source_location::current());
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

NcclHandle::~NcclHandle() {
  stay_if_aborting();
  watcher_ = {};
  // Finalising waits for the other ranks, who may never come while an exception unwinds this one.
  const bool orderly = std::uncaught_exceptions() == 0;
  try {
    if (orderly && connected()) {
      call("ncclCommFinalize", [this] { return ncclCommFinalize(comm_); });
      destroy();
    }
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
  give_up();
}

void NcclHandle::call(const char* name, const std::function<ncclResult_t()>& start,
                      std::source_location where) {
  check_transfers(where);
  begin(name, start, where);
}

void NcclHandle::begin(const char* name, const std::function<ncclResult_t()>& start,
                       const std::source_location& where) {
  std::unique_lock lock(mutex_);
  last_call_ = name;
  ++calls_;
  const auto result = start();
  lock.unlock();
  settle(result, name, where);
}

void NcclHandle::settle(ncclResult_t result, const char* name, const std::source_location& where) {
  const bool limited = timeout_ > std::chrono::seconds(0);
  const auto deadline = Clock::now() + timeout_;
  std::unique_lock lock(mutex_);
  while (result == ncclInProgress) {
    result = state_of_transfers();
    if (result != ncclInProgress) break;
    lock.unlock();
    if (limited && Clock::now() > deadline) {
      fail(name, fmt::format("not all ranks arrived within {} s", timeout_.count()), where);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    lock.lock();
  }
  if (result == ncclSuccess) return;
  const auto why = reason(result);
  lock.unlock();
  fail(name, why, where);
}

void NcclHandle::check_transfers(std::source_location where) {
  std::unique_lock lock(mutex_);
  const auto result = state_of_transfers();
  if (!is_error(result)) return;
  const auto what = "an NCCL transfer, " + last_call() + ",", why = reason(result);
  lock.unlock();
  fail(what, why, where);
}

// Without a communicator, which only an aborted one leaves: invalid usage.
ncclResult_t NcclHandle::state_of_transfers() {
  ncclResult_t result = ncclSuccess;
  if (!comm_) return ncclInvalidUsage;
  const auto asked = ncclCommGetAsyncError(comm_, &result);
  asked_in_vain_ = asked != ncclSuccess;
  return asked_in_vain_ ? asked : result;
}

std::string NcclHandle::reason(ncclResult_t result) const {
  const char* detail = ncclGetLastError(comm_);
  return fmt::format("{}{}{}{}", asked_in_vain_ ? "ncclCommGetAsyncError: " : "",
                     ncclGetErrorString(result), detail && *detail ? ": " : "",
                     detail ? detail : "");
}

std::string NcclHandle::last_call() const {
  return fmt::format("the last being {} (call {})", last_call_, calls_);
}

void NcclHandle::fail(std::string_view what, const std::string& why,
                      const std::source_location& where) {
  stay_if_aborting();  // the error that the job ends for has been told
  give_up();
  throw_communication_error(what, why, where);
}

bool NcclHandle::connected() {
  const std::scoped_lock lock(mutex_);
  return comm_ != nullptr;
}

// On a thread of its own, because nothing says how long it may take; what it would have freed is
// left where it does not come back.
void NcclHandle::destroy() {
  const auto comm = take();
  if (!comm) return;
  int device = 0;
  cudaGetDevice(&device);
  std::promise<ncclResult_t> promise;
  auto result = promise.get_future();
  std::thread([comm, device, promise = std::move(promise)]() mutable {
    cudaSetDevice(device);  // each thread has its own
    promise.set_value(ncclCommDestroy(comm));
  }).detach();
  const bool limited = timeout_ > std::chrono::seconds(0);
  const auto limit = limited ? std::min(timeout_, kLongestDestroy) : kLongestDestroy;
  if (result.wait_for(limit) != std::future_status::ready) {
    throw_communication_error("ncclCommDestroy",
                              fmt::format("it did not return within {} s", limit.count()));
  }
  if (const auto how = result.get(); is_error(how)) {
    throw_communication_error("ncclCommDestroy", ncclGetErrorString(how));
  }
}

ncclComm_t NcclHandle::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(comm_, nullptr);
}

void NcclHandle::give_up() {
  const std::scoped_lock lock(mutex_);
  if (comm_) ncclCommAbort(std::exchange(comm_, nullptr));
}

// The host may be waiting for the device, which waits for a transfer that will never end.
void NcclHandle::watch(const std::stop_token& stop) {
  std::condition_variable_any sleep;
  auto failed_since = Clock::time_point::max();
  std::unique_lock lock(mutex_);
  while (!sleep.wait_for(lock, stop, kLook, [&] { return stop.stop_requested(); })) {
    if (!comm_) return;  // the host has found it
    const auto result = state_of_transfers();
    if (!is_error(result)) continue;
    failed_since = std::min(failed_since, Clock::now());
    if (Clock::now() - failed_since < kGrace) continue;
    const Error error(ErrorKind::communication,
                      fmt::format("an NCCL transfer failed, the last call being {} (call {}): {}",
                                  last_call_, calls_, reason(result)),
                      "look for the first error of another rank or node");
    print_line(error_line(error, process_rank_info()));
    lock.unlock();  // abort_job has the communicator aborted
    abort_job(static_cast<int>(ErrorKind::communication));
  }
}

}  // namespace bertha
