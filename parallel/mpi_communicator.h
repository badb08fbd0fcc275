// Communicator over MPI for host memory. Owns a duplicate of MPI_COMM_WORLD, so its traffic cannot
// meet anybody else's.
#pragma once

#include <cstdint>
#include <memory>

#include "parallel/communicator.h"

namespace bertha {

// Requires a living MpiEnvironment that outlives the communicator. One MPI call moves at most
// `chunk_elements` elements, and 1 GiB: MPI counts in ints. The same on every rank; tests make it
// small.
std::unique_ptr<Communicator> make_mpi_communicator(const RankInfo& rank_info,
                                                    std::int64_t chunk_elements = std::int64_t{1}
                                                                                  << 28);

}  // namespace bertha
