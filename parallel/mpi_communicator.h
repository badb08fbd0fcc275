// Communicator over MPI for host memory. Owns a duplicate of MPI_COMM_WORLD, so its traffic cannot
// meet anybody else's.
#pragma once

#include <cstdint>
#include <memory>

#include "parallel/communicator.h"

namespace bertha {

// What a reduction receives at once from all others together: larger parts are added up in rounds,
// or a parameter that one of 256 ranks owns as a whole would come 255 times.
constexpr std::int64_t kReceivedAtOnceBytes = std::int64_t{64} << 20;

// Requires a living MpiEnvironment that outlives the communicator. One MPI call moves at most
// `chunk_elements` elements, and 1 GiB: MPI counts in ints. The same on every rank; tests make it
// small.
std::unique_ptr<Communicator> make_mpi_communicator(const RankInfo& rank_info,
                                                    std::int64_t chunk_elements = std::int64_t{1}
                                                                                  << 28);

}  // namespace bertha
