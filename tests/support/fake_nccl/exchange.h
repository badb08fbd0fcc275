// Messages between ranks over MPI, from any thread, that can be given up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fake_nccl {

// Travels before every message: both sides must mean the same call.
struct Header {
  std::uint64_t call = 0;      // a hash of its name
  std::uint64_t sequence = 0;  // of the communicator's calls
  std::uint64_t bytes = 0;
  bool operator==(const Header&) const = default;
};

struct Message {
  int peer = 0;
  void* at = nullptr;
  std::size_t bytes = 0;
};

struct Exchange {
  int rank = 0;  // this one
  int tag = 0;   // the communicator's
  Header header;
  std::vector<Message> sends, receives;
};

enum class Outcome { done, given_up, mismatch, failed };

// Runs until everything has come and gone, or `give_up` is set. What a rank sends to itself is
// copied. MPI must have been started with MPI_THREAD_MULTIPLE.
Outcome run_exchange(const Exchange& exchange, const std::atomic<bool>& give_up);

}  // namespace fake_nccl
