// Which cores and which GPU every rank of a job gets: gathered once at the start and judged by one
// pure function, so that all ranks decide alike.
#pragma once

#include <string>
#include <vector>

#include "parallel/communicator.h"
#include "parallel/machine_topology.h"

namespace bertha {

// What a rank finds where it was started.
struct RankPlace {
  std::string machine;            // the same for ranks that share cores
  std::string host;               // its name, for messages
  std::vector<int> cores;         // that the rank may run on, ascending
  int reachable_cores = 1;        // that it could be bound to
  int asked_threads = 0;          // 0: as many as there are cores for
  std::vector<std::string> gpus;  // ids of those it sees, in CUDA's order; none: it uses the CPU
  int core_threads = 1;           // hardware threads, counted as cores here, of one physical core
  NumaNodes nodes = {};           // of the cores that it could be bound to
};

struct RankShare {
  int threads = 1;
  int gpu = -1;  // which of RankPlace::gpus; -1: the CPU
};

struct Placement {
  std::vector<RankShare> shares;      // by rank
  std::vector<std::string> warnings;  // cores and memory that ranks share badly, or leave idle
  std::vector<std::string> notes;     // worth knowing, and often meant so
};

// Ranks that are bound to the same cores divide them. Every rank takes a GPU of its own, the
// first that it sees where that leaves one for all. Error{usage}: there are not enough, or only
// some ranks see any.
Placement place_ranks(const std::vector<RankPlace>& places);

RankPlace find_place(int asked_threads, bool with_gpus);

// Collective: what this rank gets. Rank 0 tells the warnings.
RankShare agree_on_place(Communicator& communicator, const RankPlace& mine);

}  // namespace bertha
