// MPI is running already: rank_main.cpp started it.
#include "tests/support/rank_communicator.h"

#include "parallel/mpi_communicator.h"
#include "parallel/mpi_environment.h"

namespace bertha::testing {

std::unique_ptr<Communicator> rank_communicator(std::int64_t chunk_elements) {
  return make_mpi_communicator(process_rank_info(), chunk_elements);
}

}  // namespace bertha::testing
