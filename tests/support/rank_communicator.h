// The MPI communicator that the rank tests of one program share, and the ranks' number.
#pragma once

#include <memory>

#include "parallel/communicator.h"

namespace bertha::testing {

// A fresh communicator over all ranks. Collective. Small chunks exercise the cutting of long
// transfers.
std::unique_ptr<Communicator> rank_communicator(std::int64_t chunk_elements = std::int64_t{1}
                                                                              << 28);

}  // namespace bertha::testing
