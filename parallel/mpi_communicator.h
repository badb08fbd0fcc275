// Communicator over MPI for host memory. Owns a duplicate of MPI_COMM_WORLD, so its traffic cannot
// meet anybody else's.
#pragma once

#include <memory>

#include "parallel/communicator.h"

namespace bertha {

// Requires a living MpiEnvironment that outlives the communicator.
std::unique_ptr<Communicator> make_mpi_communicator(const RankInfo& rank_info);

}  // namespace bertha
