// Messages between pairs of ranks that together are a collective, in one stage or two, and who
// keeps them going: MPI moves data only inside its calls, and a second stage begins only when
// somebody looks whether the first is over.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <mpi.h>

#include "parallel/communicator.h"

namespace bertha {

struct MpiTransfer {
  std::vector<at::Tensor> tensors;         // kept alive
  std::vector<MPI_Request> requests;       // of the stage under way
  std::function<void(MpiTransfer&)> next;  // after it: works on what came, may begin messages
  bool done() const { return requests.empty() && !next; }
};

// Those of a communicator that are under way, in the order in which they began.
class MpiTransfers : public std::enable_shared_from_this<MpiTransfers> {
 public:
  // Takes over a transfer whose first messages were begun.
  std::unique_ptr<Work> take(MpiTransfer transfer);
  // Moves all of them, without blocking.
  void advance();
  // Waits until none has a stage left to begin. Before a call that blocks: the other ranks may be
  // waiting for that stage, and would not come to the call.
  void settle();
  // Its rank unwinds: it is not moved any more.
  void forget(const std::shared_ptr<MpiTransfer>& transfer);

 private:
  std::vector<std::shared_ptr<MpiTransfer>> under_way_;
};

}  // namespace bertha
