// Collectives on device tensors by NCCL, on a stream of their own, so that they overlap with the
// rest of backward. In which order NCCL adds up is its own business: an all-reduce and reductions
// to the owners of parts may differ in the last bits, and so may a sharded and an unsharded
// optimizer on GPUs; over MPI they do not. Tested at several ranks over a stand-in for NCCL
// (tests/support/fake_nccl), on a GPU with one rank.
#include "parallel/nccl_communicator.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <utility>

#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"
#include "parallel/mpi_environment.h"
#include "parallel/native_check.h"
#include "parallel/nccl_handle.h"
#include "parallel/tensor_check.h"

namespace bertha {
namespace {

using Event = UniqueHandle<cudaEvent_t, cudaEventDestroy>;

void check_cuda(cudaError_t result, std::string_view call,
                std::source_location where = std::source_location::current()) {
  if (result != cudaSuccess) throw_communication_error(call, cudaGetErrorString(result), where);
}

ncclDataType_t nccl_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kBFloat16:
      return ncclBfloat16;
    case at::kInt:
      return ncclInt32;
    case at::kLong:
      return ncclInt64;
    default:
      throw Error(ErrorKind::internal, "collective: no NCCL type for this tensor");
  }
}

ncclRedOp_t nccl_op(ReduceOp op) {
  return op == ReduceOp::sum ? ncclSum : op == ReduceOp::max ? ncclMax : ncclMin;
}

Event record_event(cudaStream_t stream) {
  cudaEvent_t raw = nullptr;
  check_cuda(cudaEventCreateWithFlags(&raw, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  Event event(raw);
  check_cuda(cudaEventRecord(event.get(), stream), "cudaEventRecord");
  return event;
}

// `stream` goes on only after `event`; the host does not wait.
void make_stream_wait(cudaStream_t stream, const Event& event) {
  check_cuda(cudaStreamWaitEvent(stream, event.get(), 0), "cudaStreamWaitEvent");
}

class NcclWork final : public Work {
 public:
  NcclWork(std::vector<at::Tensor> tensors, Event done, NcclHandle& nccl)
      : tensors_(std::move(tensors)), done_(std::move(done)), nccl_(nccl) {}

  // The tensors may be freed after this: their memory is reused in the order of the stream that
  // now waits.
  void wait() override {
    nccl_.check_transfers();
    make_stream_wait(c10::cuda::getCurrentCUDAStream(), std::exchange(done_, {}));
    tensors_.clear();
  }

  ~NcclWork() override {
    if (!done_) return;
    if (std::uncaught_exceptions() > 0) {  // abandoned, see Work
      static_cast<void>(new std::vector<at::Tensor>(std::move(tensors_)));
      return;
    }
    cudaStreamWaitEvent(c10::cuda::getCurrentCUDAStream(), done_.get(), 0);
  }

  NcclWork(const NcclWork&) = delete;
  NcclWork& operator=(const NcclWork&) = delete;

 private:
  std::vector<at::Tensor> tensors_;
  Event done_;
  NcclHandle& nccl_;
};

std::string version_text(int version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

// NCCL keeps its interface within a major version, and only adds to it with a minor one.
void check_version() {
  int loaded = 0;
  if (ncclGetVersion(&loaded) != ncclSuccess) {
    throw_communication_error("ncclGetVersion", "the library does not tell its version");
  }
  if (loaded / 10000 == NCCL_MAJOR && loaded / 100 >= NCCL_VERSION_CODE / 100) return;
  throw Error(ErrorKind::usage,
              fmt::format("NCCL {} is loaded, but bertha was built with NCCL {}",
                          version_text(loaded), version_text(NCCL_VERSION_CODE)),
              "put the folder of the NCCL it was built with first in LD_LIBRARY_PATH, or build "
              "bertha anew with NCCL_INCLUDE_DIR and NCCL_LIBRARY of the one that is loaded");
}

ncclUniqueId share_id(Communicator& host) {
  ncclUniqueId id{};
  std::string mine;
  if (host.rank_info().is_root()) {
    if (const auto result = ncclGetUniqueId(&id); result == ncclSuccess) {
      mine.assign(id.internal, sizeof id.internal);
    }
  }
  // Sent even when it failed, as nothing, so that all ranks fail alike.
  const auto ids = host.gather_bytes(mine);
  if (ids.front().size() != sizeof id.internal) {
    throw_communication_error("ncclGetUniqueId", "rank 0 could not open a port for NCCL");
  }
  std::memcpy(id.internal, ids.front().data(), sizeof id.internal);
  return id;
}

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Communicator& host, std::chrono::seconds timeout)
      : host_(host),
        nccl_(share_id(host), host.rank_info(), timeout),
        stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/true)) {}

  const RankInfo& rank_info() const override { return host_.rank_info(); }

  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override {
    if (values.is_cpu()) return host_.all_reduce(values, op);
    check_collective_tensor(values, "values");
    return enqueue("ncclAllReduce", {values}, [&] {
      return ncclAllReduce(values.data_ptr(), values.data_ptr(), count(values), nccl_type(values),
                           nccl_op(op), nccl_.get(), stream_);
    });
  }

  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override {
    if (values.is_cpu()) return host_.reduce_scatter(values, parts);
    check_cut(values, parts, rank_info());
    const auto type = nccl_type(values);
    if (all_equal(parts)) {
      return enqueue("ncclReduceScatter", {values}, [&] {
        return ncclReduceScatter(values.data_ptr(), equal_part(values, rank_info().rank, parts[0]),
                                 static_cast<std::size_t>(parts[0]), type, ncclSum, nccl_.get(),
                                 stream_);
      });
    }
    return enqueue("ncclReduce", {values}, [&] {
      return for_parts(values, parts, [&](void* part, std::size_t elements, int owner) {
        return ncclReduce(part, part, elements, type, ncclSum, owner, nccl_.get(), stream_);
      });
    });
  }

  std::unique_ptr<Work> all_gather(at::Tensor values,
                                   std::span<const std::int64_t> parts) override {
    if (values.is_cpu()) return host_.all_gather(values, parts);
    check_cut(values, parts, rank_info());
    const auto type = nccl_type(values);
    if (all_equal(parts)) {
      return enqueue("ncclAllGather", {values}, [&] {
        return ncclAllGather(equal_part(values, rank_info().rank, parts[0]), values.data_ptr(),
                             static_cast<std::size_t>(parts[0]), type, nccl_.get(), stream_);
      });
    }
    return enqueue("ncclBroadcast", {values}, [&] {
      return for_parts(values, parts, [&](void* part, std::size_t elements, int owner) {
        return ncclBroadcast(part, part, elements, type, owner, nccl_.get(), stream_);
      });
    });
  }

  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override {
    if (input.is_cpu()) return host_.all_to_all(input, output);
    const auto n = check_exchange(input, output, rank_info());
    return enqueue("ncclGroupEnd", {input, output}, [&] { return exchange(input, output, n); });
  }

  void broadcast(at::Tensor values, int root) override {
    if (values.is_cpu()) return host_.broadcast(values, root);
    check_collective_tensor(values, "values");
    check_root(root, rank_info());
    enqueue("ncclBroadcast", {values}, [&] {
      return ncclBroadcast(values.data_ptr(), values.data_ptr(), count(values), nccl_type(values),
                           root, nccl_.get(), stream_);
    })->wait();
  }

  // While the job ends, transfers that were cut off are over as if they had come to their end:
  // nothing may be agreed on what they left.
  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    stay_if_aborting();
    return host_.gather_bytes(bytes);
  }

  // By abort_job, before which NcclHandle aborts its communicator.
  void abort(int exit_code) noexcept override { host_.abort(exit_code); }

 private:
  static std::size_t count(const at::Tensor& tensor) {
    return static_cast<std::size_t>(tensor.numel());
  }

  static bool failed(ncclResult_t r) { return r != ncclSuccess && r != ncclInProgress; }

  // One call does what a group of calls for every part does, and is faster.
  static bool all_equal(std::span<const std::int64_t> parts) {
    return std::ranges::all_of(parts, [&](std::int64_t size) { return size == parts[0]; });
  }

  // Address of a rank's part of `whole`, where every rank has so many elements.
  static std::byte* equal_part(const at::Tensor& whole, int rank, std::int64_t elements) {
    return static_cast<std::byte*>(whole.data_ptr()) +
           rank * elements * static_cast<std::int64_t>(whole.element_size());
  }

  // One group of messages between all pairs.
  ncclResult_t exchange(const at::Tensor& input, const at::Tensor& output, std::int64_t n) {
    const auto elements = static_cast<std::size_t>(n);
    const auto type = nccl_type(input);
    ncclResult_t result = ncclGroupStart();
    for (int peer = 0; peer < rank_info().world_size && !failed(result); ++peer) {
      result = ncclSend(equal_part(input, peer, n), elements, type, peer, nccl_.get(), stream_);
      if (failed(result)) break;
      result = ncclRecv(equal_part(output, peer, n), elements, type, peer, nccl_.get(), stream_);
    }
    const ncclResult_t end = ncclGroupEnd();
    return failed(result) ? result : end;
  }

  // One group of call(part, elements, owner), for the parts that are not empty.
  template <class Call>
  static ncclResult_t for_parts(const at::Tensor& values, std::span<const std::int64_t> parts,
                                const Call& call) {
    auto* part = static_cast<std::byte*>(values.data_ptr());
    ncclResult_t result = ncclGroupStart();
    for (std::size_t owner = 0; owner < parts.size() && !failed(result); ++owner) {
      if (parts[owner] == 0) continue;
      result = call(part, static_cast<std::size_t>(parts[owner]), static_cast<int>(owner));
      part += parts[owner] * static_cast<std::int64_t>(values.element_size());
    }
    const ncclResult_t end = ncclGroupEnd();
    return failed(result) ? result : end;
  }

  // Behind what the current stream computes now, and beside what it computes next.
  template <class Start>
  std::unique_ptr<Work> enqueue(const char* call, std::vector<at::Tensor> tensors,
                                const Start& start) {
    make_stream_wait(stream_, record_event(c10::cuda::getCurrentCUDAStream()));
    nccl_.call(call, start);
    return std::make_unique<NcclWork>(std::move(tensors), record_event(stream_), nccl_);
  }

  Communicator& host_;
  NcclHandle nccl_;
  c10::cuda::CUDAStream stream_;
};

}  // namespace

bool nccl_available() {
  return true;
}

std::string nccl_version_text() {
  int version = 0;
  if (ncclGetVersion(&version) != ncclSuccess) return "unknown";
  return version_text(version);
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host,
                                                     std::chrono::seconds timeout) {
  agree_or_throw(host, check_version);
  return std::make_unique<NcclCommunicator>(host, timeout);
}

}  // namespace bertha
