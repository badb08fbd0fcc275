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
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/sha256.h"
#include "parallel/mpi_communicator.h"
#include "parallel/nccl_communicator.h"
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
  cpu_set_t set;
  CPU_ZERO(&set);
  const int bound = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : online;
  if (bound < online) return std::max(1, bound);
  return std::max(1, online / rank.local_size);
}

Runtime::Runtime(const RunConfig& config, const MpiEnvironment& mpi)
    : host_(make_mpi_communicator(mpi.rank_info())),
      device_(choose_device(config.trainer.train.device, mpi.rank_info())),
      threads_(usable_threads(config.trainer.train.threads, mpi.rank_info())),
      watchdog_(std::chrono::seconds(config.trainer.parallel.timeout_seconds)) {
  check_deterministic(config.trainer);
  set_threads(config.trainer.train.deterministic);
  watchdog_.report("comparing options");
  require_equal(*host_, "the options", sha256_hex(resolved_ini(config)));
  if (wants_nccl(config.trainer.parallel.backend, device_)) {
    watchdog_.report("connecting NCCL");
    device_communicator_ = make_nccl_communicator(
        *host_,
        std::chrono::seconds(std::max<std::int64_t>(60, config.trainer.parallel.timeout_seconds)));
  }
  if (rank().local_size > 1 && usable_threads(0, rank()) * rank().local_size <
                                   static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))) {
    log_info(
        fmt::format("each rank is bound to {} core(s); `mpirun --bind-to none` or --map-by "
                    "would let them use all of this node's",
                    usable_threads(0, rank())));
  }
}

// Sums in LibTorch and MKL depend on their number of threads; ours do not. So where bits must not
// depend on it, LibTorch gets one thread, and our kernels all.
void Runtime::set_threads(bool deterministic) {
  if (!deterministic) return at::set_num_threads(threads_);
  at::globalContext().setDeterministicAlgorithms(true, false);
  at::set_num_threads(device_.is_cpu() ? 1 : threads_);
  set_kernel_threads(threads_);
}

}  // namespace bertha
