// The collectives training needs, behind one interface: MPI on CPUs, NCCL on GPUs, threads in
// tests. Every rank must make the same calls in the same order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "parallel/base/rank_info.h"

namespace bertha {

enum class ReduceOp { sum, max, min };

// A collective under way. The tensors passed to the call are kept alive by it and must not be
// touched until wait() has returned. wait() may be called once from the thread that started it;
// for device tensors it makes the current stream wait, not the host. Destroying an unfinished Work
// waits, except while an exception unwinds: then the other ranks may never come, so the transfer is
// abandoned and its memory leaked, for the job is about to end. Throws Error{communication}.
class Work {
 public:
  virtual ~Work() = default;
  virtual void wait() = 0;
  // Lets the transport move on without blocking: MPI moves data only while somebody calls it.
  // True: it is known to have arrived, and wait() will not block.
  virtual bool progress() { return false; }
};

// Tensors are contiguous, of type float, bfloat16, double, int32 or int64, any number of elements.
// One thread per process calls a communicator.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual const RankInfo& rank_info() const = 0;

  // In place: values [n] becomes the reduction over ranks. Over MPI every element is added up in
  // the order of the ranks, bfloat16 in float and rounded once; NCCL promises no order, so that
  // there an all-reduce and a reduce-scatter may differ in the last bits.
  virtual std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) = 0;
  // In place, and in parts of any size, none included: values holds parts[r] elements for rank r,
  // one part after the other; all ranks give the same parts. Scattered, this rank's part is the sum
  // of everyone's, and the others are of no meaning; gathered, every part is what its rank had
  // there.
  virtual std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                               std::span<const std::int64_t> parts) = 0;
  virtual std::unique_ptr<Work> all_gather(at::Tensor values,
                                           std::span<const std::int64_t> parts) = 0;
  // input [world_size * n] -> output [world_size * n]: part s of rank r's input becomes part r of
  // rank s's output. The two do not overlap.
  virtual std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) = 0;
  virtual void broadcast(at::Tensor values, int root) = 0;

  // Everyone's bytes, by rank; lengths may differ. Host path, also the barrier (with empty bytes).
  virtual std::vector<std::string> gather_bytes(std::string_view bytes) = 0;

  // Ends the whole job with this exit code; does not return for real ranks.
  virtual void abort(int exit_code) noexcept = 0;
};

}  // namespace bertha
