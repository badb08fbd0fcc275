// Stands in for nccl_communicator.cpp and nccl_gpu_ids.cpp in builds without NCCL.
#include "parallel/base/error.h"
#include "parallel/gpu_ids.h"
#include "parallel/nccl_communicator.h"

namespace bertha {

std::vector<std::string> visible_gpu_ids() {
  return {};
}

bool nccl_available() {
  return false;
}

std::string nccl_version_text() {
  return "none";
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator&, std::chrono::seconds) {
  throw Error(ErrorKind::usage, "this build of bertha has no NCCL",
              "use parallel.backend = mpi, or build on a machine with the CUDA build of LibTorch");
}

}  // namespace bertha
