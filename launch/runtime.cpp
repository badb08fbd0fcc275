// Device choice, thread counts and the connection of the ranks.
#include "launch/runtime.h"

#include <algorithm>
#include <chrono>
#include <sched.h>
#include <unistd.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>

#include "launch/options.h"
#include "launch/program_identity.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/mpi_communicator.h"
#include "parallel/nccl_communicator.h"
#include "parallel/watched_communicator.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

at::Device choose_device(DeviceChoice choice, const RankInfo& rank) {
  const bool available =
      at::globalContext().hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0;
  if (choice == DeviceChoice::cuda && !available) {
    throw Error(ErrorKind::usage, "train.device is cuda, but this program sees no CUDA device",
                "build with the cuda preset on a machine with a GPU, or use --train.device cpu");
  }
  if (choice == DeviceChoice::cpu || !available) return at::Device(at::kCPU);
  const auto devices = at::detail::getCUDAHooks().deviceCount();
  if (rank.local_size > devices) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{} ranks on this node share {} CUDA device(s)", rank.local_size, devices),
        "start one rank per GPU");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(rank.local_rank));
}

bool wants_nccl(Backend backend, const at::Device& device) {
  if (backend == Backend::nccl && !device.is_cuda()) {
    throw Error(ErrorKind::usage, "parallel.backend is nccl, but training runs on the CPU",
                "use --parallel.backend mpi");
  }
  return device.is_cuda() && backend != Backend::mpi && nccl_available();
}

int cores_of_this_process() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

void check_deterministic(const TrainerConfig& options) {
  if (!options.train.deterministic ||
      options.parallel.reduce_precision == GradientReducer::Precision::fp32) {
    return;
  }
  throw Error(ErrorKind::usage,
              "train.deterministic and parallel.reduce_precision = bf16 exclude each other: what "
              "is rounded would depend on the number of ranks",
              "use --parallel.reduce_precision fp32");
}

}  // namespace

int usable_threads(int asked, const RankInfo& rank) {
  if (asked > 0) return asked;
  const auto online = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  const int bound = cores_of_this_process();
  if (bound < online) return std::max(1, bound);
  return std::max(1, online / rank.local_size);
}

Runtime::Runtime(const RunConfig& config, const MpiEnvironment& mpi)
    : watchdog_(std::chrono::seconds(config.trainer.parallel.timeout_seconds)),
      mpi_(make_mpi_communicator(mpi.rank_info())),
      host_ranks_(watch_communicator(*mpi_, watchdog_)),
      device_(choose_device(config.trainer.train.device, mpi.rank_info())),
      threads_(usable_threads(config.trainer.train.threads, mpi.rank_info())) {
  check_deterministic(config.trainer);
  set_threads(config.trainer.train.deterministic);
  start_heartbeats(config.trainer.parallel.timeout_seconds);
  compare_ranks(config);
  if (wants_nccl(config.trainer.parallel.backend, device_)) {
    watchdog_.report("connecting NCCL");
    nccl_ = make_nccl_communicator(*host_ranks_, std::chrono::seconds(std::max<std::int64_t>(
                                                     60, config.trainer.parallel.timeout_seconds)));
    device_ranks_ = watch_communicator(*nccl_, watchdog_);
  }
  warn_of_binding();
}

Runtime::~Runtime() {
  watchdog_.set_held_up_by({});
}

void Runtime::compare_ranks(const RunConfig& config) {
  watchdog_.report("comparing programs and options");
  require_equal(*host_ranks_, "the program", program_identity());
  require_equal(*host_ranks_, "the options", resolved_ini(config));
}

void Runtime::start_heartbeats(std::int64_t timeout_seconds) {
  if (rank().world_size == 1 || timeout_seconds <= 0) return;
  watchdog_.report("agreeing on heartbeats");
  heartbeats_ = std::make_unique<Heartbeats>(
      *host_ranks_, [this] { return watchdog_.activity(); },
      std::chrono::milliseconds(std::min<std::int64_t>(1000, timeout_seconds * 125)),
      std::chrono::seconds(std::clamp<std::int64_t>(timeout_seconds / 2, 1, 60)));
  watchdog_.set_held_up_by([this] { return heartbeats_->held_up_by(); });
}

// Sums in LibTorch and MKL depend on their number of threads; ours do not. So where bits must not
// depend on it, LibTorch gets one thread, and our kernels all.
void Runtime::set_threads(bool deterministic) {
  if (!deterministic) return at::set_num_threads(threads_);
  at::globalContext().setDeterministicAlgorithms(true, false);
  at::set_num_threads(device_.is_cpu() ? 1 : threads_);
  set_kernel_threads(threads_);
}

void Runtime::warn_of_binding() const {
  const int bound = usable_threads(0, rank());
  const auto online = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (threads_ > cores_of_this_process()) {
    log_warning(fmt::format("{} threads of this rank share the {} core(s) it is bound to", threads_,
                            cores_of_this_process()));
  }
  if (rank().local_size > 1 && bound * rank().local_size < online) {
    log_info(
        fmt::format("each rank is bound to {} core(s); `mpirun --bind-to none` or --map-by "
                    "would let them use all of this node's",
                    bound));
  }
}

}  // namespace bertha
