// A test-only libnccl: the functions that Bertha calls, with NCCL's ABI and rules, over MPI.
// Buffers are the host's (see cuda_streams.cpp). Linked before the real library, whose functions it
// hides.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <mpi.h>

#include "tests/support/fake_nccl/communicator.h"
#include "tests/support/fake_nccl/reduction.h"

namespace {

using fake_nccl::Call;
using Buffers = std::vector<std::vector<std::byte>>;

// What ncclGroupStart() collects for ncclGroupEnd(), to one communicator.
struct Group {
  int depth = 0;
  ncclComm* communicator = nullptr;
  Call call;
  ncclResult_t result = ncclSuccess;
};
thread_local Group group;

std::byte* part(const void* buffer, std::size_t bytes, int index) {
  return static_cast<std::byte*>(const_cast<void*>(buffer)) +
         bytes * static_cast<std::size_t>(index);
}

// Takes a call's messages into the group.
ncclResult_t add_to_group(ncclComm* communicator, Call call) {
  if (std::exchange(group.communicator, communicator) == communicator &&
      call.stream != group.call.stream) {
    return group.result = ncclInvalidUsage;
  }
  auto& all = group.call;
  all.stream = call.stream;
  if (all.fault.empty()) all.fault = communicator->later_fault(call.name);
  all.sends.insert(all.sends.end(), call.sends.begin(), call.sends.end());
  all.receives.insert(all.receives.end(), call.receives.begin(), call.receives.end());
  if (call.finish) {
    all.finish = [before = std::move(all.finish), finish = std::move(call.finish)] {
      if (before) before();
      finish();
    };
  }
  return ncclSuccess;
}

template <class Make>
ncclResult_t collective(const char* name, ncclComm* communicator, std::size_t size,
                        const Make& make) {
  if (!communicator || size == 0) return ncclInvalidArgument;
  if (const auto result = communicator->begin(name); result != ncclSuccess) {
    return group.depth > 0 ? group.result = result : result;
  }
  return group.depth > 0 ? add_to_group(communicator, make()) : communicator->launch(make());
}

constexpr int kEveryRank = -1;

struct Reduction {
  const void* input = nullptr;
  void* output = nullptr;
  std::size_t count = 0;
  ncclDataType_t type{};
  ncclRedOp_t op{};
  bool scatter = false;   // each rank gets its part of the sum
  int root = kEveryRank;  // who gets it
};

// The others' contributions come into buffers of their own; they are added up when all are there.
ncclResult_t reduced(const char* name, const Reduction& what, ncclComm* communicator,
                     cudaStream_t stream) {
  return collective(name, communicator, fake_nccl::size_of(what.type), [&] {
    const auto bytes = what.count * fake_nccl::size_of(what.type);
    const auto size = static_cast<std::size_t>(communicator->size);
    const auto inputs = std::make_shared<Buffers>(size);
    Call call{name, stream, {}, {}, {}};
    for (int peer = 0; peer < communicator->size; ++peer) {
      if (peer == communicator->rank || (what.root != kEveryRank && peer != what.root)) continue;
      call.sends.push_back({peer, part(what.input, bytes, what.scatter ? peer : 0), bytes});
    }
    if (what.root != kEveryRank && what.root != communicator->rank) return call;
    std::vector<const std::byte*> all(
        size, part(what.input, bytes, what.scatter ? communicator->rank : 0));
    for (int peer = 0; peer < communicator->size; ++peer) {
      if (peer == communicator->rank) continue;
      auto& input = (*inputs)[static_cast<std::size_t>(peer)];
      input.resize(bytes);
      all[static_cast<std::size_t>(peer)] = input.data();
      call.receives.push_back({peer, input.data(), bytes});
    }
    call.finish = [inputs, all, what] {
      fake_nccl::reduce(what.type, what.op, all, what.count, what.output);
    };
    return call;
  });
}

ncclResult_t message(const char* name, bool sends, fake_nccl::Message one, ncclComm* communicator,
                     cudaStream_t stream) {
  const auto fails = [](ncclResult_t result) { return group.result = result; };
  if (group.depth == 0 || !communicator || one.peer < 0 || one.peer >= communicator->size) {
    return fails(ncclInvalidArgument);
  }
  if (const auto result = communicator->begin(name); result != ncclSuccess) return fails(result);
  Call call{name, stream, {}, {}, {}};
  (sends ? call.sends : call.receives).push_back(one);
  return add_to_group(communicator, std::move(call));
}

}  // namespace

extern "C" {

// All threads may call MPI here, whatever the program asks for.
int MPI_Init_thread(int* argc, char*** argv, int, int* provided) {
  return PMPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, provided);
}

// FAKE_NCCL_VERSION: another one than the headers'.
ncclResult_t ncclGetVersion(int* version) {
  const char* other = std::getenv("FAKE_NCCL_VERSION");
  *version = other ? std::atoi(other) : NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  if (const auto result = fake_nccl::begin_alone("ncclGetUniqueId"); result != ncclSuccess) {
    return result;
  }
  static int communicators = 0;  // one thread makes them
  const int tag = 1000 + communicators++;
  std::memset(id->internal, 0, sizeof id->internal);
  std::memcpy(id->internal, &tag, sizeof tag);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
    default:
      return "internal error";
  }
}

const char* ncclGetLastError(ncclComm_t communicator) {
  return communicator ? communicator->reason() : "";
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* communicator, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (rank < 0 || rank >= size || !config) return ncclInvalidArgument;
  int tag = 0;
  std::memcpy(&tag, id.internal, sizeof tag);
  *communicator = new ncclComm(rank, size, tag, config->blocking != 0);
  return (*communicator)->meet("ncclCommInitRankConfig");
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* result) {
  return communicator->ask(result);
}

ncclResult_t ncclCommFinalize(ncclComm_t communicator) {
  return communicator->meet("ncclCommFinalize");
}

ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
  return communicator->destroy();
}

// FAKE_NCCL_ABORT_HANGS: never returns.
ncclResult_t ncclCommAbort(ncclComm_t communicator) {
  std::fprintf(stderr, "fake NCCL: rank %d aborts its communicator\n", communicator->rank);
  while (std::getenv("FAKE_NCCL_ABORT_HANGS")) std::this_thread::sleep_for(std::chrono::seconds(1));
  communicator->aborted = true;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* input, void* output, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t communicator, cudaStream_t stream) {
  return reduced("ncclAllReduce", {input, output, count, type, op, false}, communicator, stream);
}

ncclResult_t ncclReduce(const void* input, void* output, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t communicator, cudaStream_t stream) {
  if (!communicator || root < 0 || root >= communicator->size) return ncclInvalidArgument;
  return reduced("ncclReduce", {input, output, count, type, op, false, root}, communicator, stream);
}

ncclResult_t ncclReduceScatter(const void* input, void* output, std::size_t count,
                               ncclDataType_t type, ncclRedOp_t op, ncclComm_t communicator,
                               cudaStream_t stream) {
  return reduced("ncclReduceScatter", {input, output, count, type, op, true}, communicator, stream);
}

ncclResult_t ncclAllGather(const void* input, void* output, std::size_t count, ncclDataType_t type,
                           ncclComm_t communicator, cudaStream_t stream) {
  const auto bytes = count * fake_nccl::size_of(type);
  return collective("ncclAllGather", communicator, fake_nccl::size_of(type), [&] {
    Call call{"ncclAllGather", stream, {}, {}, {}};
    for (int peer = 0; peer < communicator->size; ++peer) {
      call.sends.push_back({peer, const_cast<void*>(input), bytes});
      call.receives.push_back({peer, part(output, bytes, peer), bytes});
    }
    return call;
  });
}

ncclResult_t ncclBroadcast(const void* input, void* output, std::size_t count, ncclDataType_t type,
                           int root, ncclComm_t communicator, cudaStream_t stream) {
  const auto bytes = count * fake_nccl::size_of(type);
  return collective("ncclBroadcast", communicator, fake_nccl::size_of(type), [&] {
    Call call{"ncclBroadcast", stream, {}, {{root, output, bytes}}, {}};
    for (int peer = 0; peer < communicator->size && root == communicator->rank; ++peer) {
      call.sends.push_back({peer, const_cast<void*>(input), bytes});
    }
    return call;
  });
}

ncclResult_t ncclGroupStart() {
  if (const auto result = fake_nccl::begin_alone("ncclGroupStart"); result != ncclSuccess) {
    return result;
  }
  if (group.depth++ == 0) group = {1, nullptr, {"ncclGroupEnd", nullptr, {}, {}, {}}, ncclSuccess};
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group.depth == 0) return ncclInvalidUsage;
  if (--group.depth > 0 || !group.communicator) return group.result;
  if (group.result != ncclSuccess) return group.result;
  if (const auto result = group.communicator->begin("ncclGroupEnd"); result != ncclSuccess) {
    return result;
  }
  return group.communicator->launch(std::move(group.call));
}

ncclResult_t ncclSend(const void* buffer, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t communicator, cudaStream_t stream) {
  return message("ncclSend", true,
                 {peer, const_cast<void*>(buffer), count * fake_nccl::size_of(type)}, communicator,
                 stream);
}

ncclResult_t ncclRecv(void* buffer, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t communicator, cudaStream_t stream) {
  return message("ncclRecv", false, {peer, buffer, count * fake_nccl::size_of(type)}, communicator,
                 stream);
}

}  // extern "C"
