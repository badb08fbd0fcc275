// Device choice, thread counts and the connection of the ranks.
#include "launch/runtime.h"

#include <chrono>
#include <cstdlib>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "launch/backend_choice.h"
#include "launch/options.h"
#include "launch/program_identity.h"
#include "launch/rank_places.h"
#include "launch/stop_signal.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/nccl_communicator.h"
#include "parallel/watched_communicator.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

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

std::int64_t bucket_bytes(const ParallelOptions& options, bool over_nccl) {
  if (options.bucket_bytes != 0) return options.bucket_bytes;
  return over_nccl ? 25'000'000 : 4'000'000;
}

Runtime::Runtime(const RunConfig& config, const MpiEnvironment& mpi)
    : ranks_(mpi.rank_info(), timeout_of(config), termination_requested) {
  check_deterministic(config.trainer);
  compare_ranks(config);
  take_place(config.trainer.train);
  set_threads(config.trainer.train.deterministic);
  if (config.trainer.train.deterministic && device_.is_cuda() && rank().is_root()) {
    log_warning(
        "train.deterministic promises the same bits on CPUs; on GPUs nobody has measured that");
  }
  const bool over_nccl = chooses_nccl(config.trainer.parallel.backend,
                                      {device_.is_cuda(), rank().world_size, nccl_available()});
  bucket_bytes_ = bertha::bucket_bytes(config.trainer.parallel, over_nccl);
  if (over_nccl) {
    watchdog().report("connecting NCCL");
    nccl_ = make_nccl_communicator(ranks_.communicator(),
                                   nccl_timeout(config.trainer.parallel.timeout_seconds));
    device_ranks_ = watch_communicator(*nccl_, watchdog());
  }
}

// Closing waits for the other ranks.
Runtime::~Runtime() {
  if (nccl_) watchdog().report("closing NCCL");
}

void Runtime::compare_ranks(const RunConfig& config) {
  watchdog().report("comparing programs and options");
  require_equal(ranks_.communicator(), "the program", program_identity());
  require_equal(ranks_.communicator(), "the options", resolved_ini(config));
}

void Runtime::take_place(const TrainOptions& train) {
  watchdog().report("sharing cores and GPUs");
  const auto share = agree_on_place(ranks_.communicator(),
                                    find_place(train.threads, train.device != DeviceChoice::cpu));
  threads_ = share.threads;
  if (share.gpu >= 0) {
    device_ = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(share.gpu));
    // What names no device takes the current one: NCCL, streams, our kernels.
    c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(device_);
  } else if (train.device == DeviceChoice::cuda) {
    throw Error(ErrorKind::usage, "train.device is cuda, but this program sees no CUDA device",
                "build with the cuda preset on a machine with a GPU, or use --train.device cpu");
  }
}

// Sums in LibTorch and MKL depend on their number of threads; ours do not. So where bits must not
// depend on it, LibTorch gets one thread, and our kernels all.
void Runtime::set_threads(bool deterministic) {
  if (!deterministic) return at::set_num_threads(threads_);
  // cuBLAS gives the same bits only with a workspace of its own, which LibTorch makes sure of.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  at::globalContext().setDeterministicAlgorithms(true, false);
  at::set_num_threads(device_.is_cpu() ? 1 : threads_);
  set_kernel_threads(threads_);
}

}  // namespace bertha
