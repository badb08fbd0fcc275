// Pure decisions of parallel.backend, the same on all ranks.
#include "launch/backend_choice.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr const char* kBuildWithNccl =
    "build with the cuda preset on a machine with the CUDA build of LibTorch";

[[noreturn]] void refuse_mpi(Backend backend, const BackendFacts& facts) {
  const auto what = fmt::format(
      "{} ranks compute on GPUs, but would talk over MPI, which moves host memory only: {}",
      facts.world_size,
      backend == Backend::mpi ? "parallel.backend is mpi" : "this build of bertha has no NCCL");
  throw Error(ErrorKind::usage, what,
              backend == Backend::mpi && facts.nccl_built
                  ? "use --parallel.backend nccl or auto, one rank, or --train.device cpu"
                  : fmt::format("{}, or use one rank, or --train.device cpu", kBuildWithNccl));
}

}  // namespace

bool chooses_nccl(Backend backend, const BackendFacts& facts) {
  if (backend == Backend::nccl) {
    if (!facts.nccl_built) {
      throw Error(ErrorKind::usage,
                  "parallel.backend is nccl, but this build of bertha has no NCCL",
                  fmt::format("{}, or use --parallel.backend mpi", kBuildWithNccl));
    }
    if (!facts.on_gpu) {
      throw Error(ErrorKind::usage, "parallel.backend is nccl, but training runs on the CPU",
                  "use --parallel.backend mpi or auto, or give every rank a GPU");
    }
  }
  if (!facts.on_gpu) return false;
  if (backend != Backend::mpi && facts.nccl_built) return true;
  if (facts.world_size > 1) refuse_mpi(backend, facts);
  return false;  // nothing travels
}

std::chrono::seconds nccl_timeout(std::int64_t timeout_seconds) {
  constexpr std::int64_t kLeast = 60;
  return std::chrono::seconds(timeout_seconds > 0 ? std::max(kLeast, timeout_seconds) : 0);
}

}  // namespace bertha
