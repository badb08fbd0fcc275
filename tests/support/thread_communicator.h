// Ranks as threads of one process, for tests without MPI, with faults on request. Stricter than
// MPI: different collectives met in one place are an error, and what is under way is overwritten
// with NaN until wait().
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <vector>

#include "parallel/communicator.h"

namespace bertha::testing {

// The `call`-th collective (from 1) of `rank` goes wrong.
struct Fault {
  enum class Kind { fail, delay };
  int rank = 0;
  int call = 1;
  Kind kind = Kind::fail;                // fail: Error{communication} on this rank, others starve
  std::chrono::milliseconds delay{100};  // delay: this rank comes late
};

struct ThreadRanks {
  int world_size = 1;
  std::vector<Fault> faults;
  // A rank that waits longer for another one gets Error{communication}. It gets it at once when the
  // other one has ended.
  std::chrono::milliseconds patience{20000};
};

// Runs `body` as every rank at once; what each threw, by rank (nullptr: nothing).
std::vector<std::exception_ptr> outcomes_of_thread_ranks(
    const ThreadRanks& ranks, const std::function<void(Communicator&)>& body);

// The same, and throws the error that came first, if any.
void run_thread_ranks(const ThreadRanks& ranks, const std::function<void(Communicator&)>& body);
void run_thread_ranks(int world_size, const std::function<void(Communicator&)>& body);

// "message" of what was thrown; "" for nullptr.
std::string message_of(const std::exception_ptr& outcome);

}  // namespace bertha::testing
