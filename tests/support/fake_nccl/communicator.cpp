// Faults: fail (the call returns an error), unready (it is never taken up), hang (its transfer
// never ends), async (the transfer fails later), delay<ms> (it begins late). What befalls a call
// within a group befalls the group. Of ncclCommGetAsyncError, counted where no call is
// under way, since FAKE_NCCL_FAULT was set: from then on it fails or tells what went wrong
// elsewhere (async); or it never returns, or takes its time.
#include "tests/support/fake_nccl/communicator.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include <mpi.h>

namespace {

constexpr int kPolls = 3;  // until a call is taken up
std::atomic<cudaStream_t> latest_stream = nullptr;

void wait_for_abort(const std::atomic<bool>& aborted) {
  while (!aborted) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

[[noreturn]] void refuse(const char* fault, const char* why) {
  std::fprintf(stderr, "fake NCCL: FAKE_NCCL_FAULT=%s: %s\n", fault, why);
  std::abort();
}

bool is_delay(const std::string& kind) {
  return kind.size() > 5 && kind.starts_with("delay") &&
         kind.find_first_not_of("0123456789", 5) == std::string::npos;
}

void check_fault(const char* fault, const std::string& call, const std::string& kind) {
  static const std::set<std::string> calls{"ncclCommInitRankConfig",
                                           "ncclCommFinalize",
                                           "ncclCommDestroy",
                                           "ncclCommGetAsyncError",
                                           "ncclGetUniqueId",
                                           "ncclGroupStart",
                                           "ncclGroupEnd",
                                           "ncclAllReduce",
                                           "ncclReduce",
                                           "ncclReduceScatter",
                                           "ncclAllGather",
                                           "ncclBroadcast",
                                           "ncclSend",
                                           "ncclRecv"};
  static const std::set<std::string> kinds{"fail", "unready", "hang", "async"};
  static const std::set<std::string> alone{"ncclGetUniqueId", "ncclGroupStart"};
  if (!calls.contains(call)) refuse(fault, "there is no such call");
  if (!kinds.contains(kind) && !is_delay(kind)) refuse(fault, "there is no such kind of fault");
  if (alone.contains(call) && kind != "fail") refuse(fault, "this call can only fail");
  const bool starts_nothing = call == "ncclCommDestroy" || call == "ncclCommGetAsyncError";
  if (starts_nothing && kind == "unready") refuse(fault, "this call starts nothing");
  if (call == "ncclCommDestroy" && kind == "async") refuse(fault, "nobody asks after this call");
}

}  // namespace

std::string fake_nccl::fault_of(int rank, const std::string& name, int number) {
  const char* text = std::getenv("FAKE_NCCL_FAULT");
  if (!text || !*text) return {};
  std::istringstream parts(text);
  std::string its_rank, its_call, its_number, kind;
  std::getline(parts, its_rank, ':');
  std::getline(parts, its_call, ':');
  std::getline(parts, its_number, ':');
  std::getline(parts, kind);
  check_fault(text, its_call, kind);
  const bool meant =
      its_rank == std::to_string(rank) && its_call == name && its_number == std::to_string(number);
  return meant ? kind : std::string();
}

ncclResult_t fake_nccl::begin_alone(const std::string& name) {
  static std::string counted_for;
  static std::map<std::string, int> calls;
  const char* text = std::getenv("FAKE_NCCL_FAULT");
  const std::string fault = text ? text : "";
  if (fault != counted_for) calls.clear();
  counted_for = fault;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return fault_of(rank, name, ++calls[name]) == "fail" ? ncclSystemError : ncclSuccess;
}

cudaStream_t fake_nccl::last_stream() {
  return latest_stream;
}

std::string ncclComm::fault_of(const std::string& name) const {
  const auto count = calls_.find(name);
  return fake_nccl::fault_of(rank, name, count == calls_.end() ? 0 : count->second);
}

ncclResult_t ncclComm::begin(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (aborted || result_ != ncclSuccess) return ncclInvalidArgument;  // not ready for it
  ++calls_[name];
  if (fault_of(name) != "fail") return ncclSuccess;
  reason_ = "a fault on purpose";
  return ncclSystemError;
}

std::string ncclComm::later_fault(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  return fault_of(name);
}

ncclResult_t ncclComm::launch(fake_nccl::Call call) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(has_stream_, true) && stream_ != call.stream) return ncclInvalidUsage;
  latest_stream = stream_ = call.stream;
  const auto fault = call.fault.empty() ? fault_of(call.name) : call.fault;
  if (blocking && fault == "unready") refuse("...:unready", "a blocking call is taken up at once");
  auto start = [this, call = std::move(call), fault, sequence = ++sequence_] {
    auto* run_it = new std::function<void()>([=, this] { run(call, fault, sequence); });
    cudaLaunchHostFunc(
        call.stream,
        [](void* data) {
          const std::unique_ptr<std::function<void()>> function(
              static_cast<std::function<void()>*>(data));
          (*function)();
        },
        run_it);
  };
  if (blocking) {
    start();
    return ncclSuccess;
  }
  result_ = ncclInProgress;
  polls_left_ = fault == "unready" ? -1 : kPolls;
  not_launched_ = std::move(start);
  return ncclInProgress;
}

ncclResult_t ncclComm::ask(ncclResult_t* state) {
  std::string fault;
  {
    const std::scoped_lock lock(mutex_);
    const char* text = std::getenv("FAKE_NCCL_FAULT");
    const std::string now = text ? text : "";
    if (asked_for_ != now) calls_["ncclCommGetAsyncError"] = 0;
    asked_for_ = now;
    if (result_ != ncclInProgress) ++calls_["ncclCommGetAsyncError"];
    if (result_ == ncclSuccess) fault = fault_of("ncclCommGetAsyncError");
    if (fault == "async") {
      result_ = ncclRemoteError;
      reason_ = "a fault on purpose, elsewhere";
    }
    if (fault == "fail") cannot_tell_ = true;
    if (cannot_tell_) return ncclSystemError;
  }
  if (fault != "async") survives(fault);
  *state = poll();
  return ncclSuccess;
}

ncclResult_t ncclComm::destroy() {
  std::string fault;
  {
    const std::scoped_lock lock(mutex_);
    ++calls_["ncclCommDestroy"];
    fault = fault_of("ncclCommDestroy");
  }
  if (fault == "fail") return ncclSystemError;
  survives(fault);
  aborted = true;
  return ncclSuccess;
}

ncclResult_t ncclComm::poll() {
  const std::scoped_lock lock(mutex_);
  if (not_launched_ && polls_left_ > 0 && --polls_left_ == 0) {
    std::exchange(not_launched_, {})();
    result_ = ncclSuccess;
  }
  return result_;
}

bool ncclComm::survives(const std::string& fault) {
  if (fault.starts_with("delay")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(fault.c_str() + 5)));
  } else if (fault == "hang") {
    wait_for_abort(aborted);
  } else if (fault == "async") {
    set_result(ncclRemoteError, "a fault on purpose, later");
    wait_for_abort(aborted);
  }
  return !aborted;
}

void ncclComm::run(const fake_nccl::Call& call, const std::string& fault, std::uint64_t sequence) {
  if (!survives(fault)) return;
  const fake_nccl::Exchange exchange{
      rank, tag, {std::hash<std::string>()(call.name), sequence, 0}, call.sends, call.receives};
  const auto outcome = fake_nccl::run_exchange(exchange, aborted);
  if (outcome == fake_nccl::Outcome::done && call.finish) call.finish();
  end_of(call.name, outcome);
}

// A kernel whose transfer failed spins until it is aborted.
void ncclComm::end_of(const std::string& name, fake_nccl::Outcome outcome) {
  if (outcome == fake_nccl::Outcome::mismatch) {
    set_result(ncclInvalidUsage, name + " met another call of another rank");
  } else if (outcome == fake_nccl::Outcome::failed) {
    set_result(ncclInternalError, name + " was not answered in kind");
  } else {
    return;
  }
  wait_for_abort(aborted);
}

ncclResult_t ncclComm::meet(const std::string& name) {
  std::unique_lock lock(mutex_);
  ++calls_[name];
  const auto fault = fault_of(name);
  if (fault == "fail") {
    reason_ = "a fault on purpose";
    return ncclSystemError;
  }
  result_ = ncclInProgress;
  const auto sequence = ++sequence_;
  std::thread thread([this, name, fault, sequence] {
    if (fault == "unready") wait_for_abort(aborted);
    if (!survives(fault)) return;
    fake_nccl::Exchange exchange{rank, tag, {std::hash<std::string>()(name), sequence, 0}, {}, {}};
    for (int peer = 0; peer < size; ++peer) {
      exchange.sends.push_back({peer, nullptr, 0});
      exchange.receives.push_back({peer, nullptr, 0});
    }
    const auto outcome = fake_nccl::run_exchange(exchange, aborted);
    if (outcome == fake_nccl::Outcome::done) set_result(ncclSuccess, {});
    end_of(name, outcome);
  });
  lock.unlock();
  if (!blocking) {
    thread.detach();
    return ncclInProgress;
  }
  thread.join();
  return poll();
}

void ncclComm::set_result(ncclResult_t result, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  result_ = result;
  reason_ = reason;
}
