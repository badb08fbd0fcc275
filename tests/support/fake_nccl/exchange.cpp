// Non-blocking messages on MPI_COMM_WORLD, looked after until they are through.
#include "tests/support/fake_nccl/exchange.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include <mpi.h>

namespace fake_nccl {
namespace {

constexpr std::size_t kLongest = std::size_t{1} << 30;  // MPI counts bytes in an int

// The buffers of messages that are given up, which MPI may still touch, are never freed.
struct UnderWay {
  std::vector<Header> sent, expected, received;
  std::vector<MPI_Request> requests;
};

bool start(const Exchange& exchange, UnderWay& way) {
  const auto post = [&](auto call, void* at, std::size_t bytes, int peer) {
    std::size_t done = 0;
    do {
      const auto part = std::min(kLongest, bytes - done);
      if (call(static_cast<std::byte*>(at) + done, static_cast<int>(part), MPI_BYTE, peer,
               exchange.tag, MPI_COMM_WORLD,
               &way.requests.emplace_back(MPI_REQUEST_NULL)) != MPI_SUCCESS) {
        return false;
      }
      done += part;
    } while (done < bytes);
    return true;
  };
  way.sent.reserve(exchange.sends.size());
  way.expected.reserve(exchange.receives.size());
  way.received.resize(exchange.receives.size());
  for (const auto& message : exchange.receives) {
    if (message.peer == exchange.rank) continue;
    auto& header = way.received[way.expected.size()];
    way.expected.push_back({exchange.header.call, exchange.header.sequence, message.bytes});
    if (!post(MPI_Irecv, &header, sizeof header, message.peer)) return false;
    if (!post(MPI_Irecv, message.at, message.bytes, message.peer)) return false;
  }
  for (const auto& message : exchange.sends) {
    if (message.peer == exchange.rank) continue;
    auto& header = way.sent.emplace_back(exchange.header);
    header.bytes = message.bytes;
    if (!post(MPI_Isend, &header, sizeof header, message.peer)) return false;
    if (!post(MPI_Isend, message.at, message.bytes, message.peer)) return false;
  }
  return true;
}

// Sends and receives to oneself meet in order.
bool copy_own(const Exchange& exchange) {
  std::vector<Message> from, to;
  for (const auto& message : exchange.sends) {
    if (message.peer == exchange.rank) from.push_back(message);
  }
  for (const auto& message : exchange.receives) {
    if (message.peer == exchange.rank) to.push_back(message);
  }
  if (from.size() != to.size()) return false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].bytes != to[i].bytes) return false;
    if (from[i].bytes > 0) std::memmove(to[i].at, from[i].at, from[i].bytes);
  }
  return true;
}

}  // namespace

Outcome run_exchange(const Exchange& exchange, const std::atomic<bool>& give_up) {
  if (!copy_own(exchange)) return Outcome::mismatch;
  auto& way = *new UnderWay;
  if (!start(exchange, way)) return Outcome::failed;
  for (int done = 0; done == 0;) {
    if (give_up) return Outcome::given_up;
    if (MPI_Testall(static_cast<int>(way.requests.size()), way.requests.data(), &done,
                    MPI_STATUSES_IGNORE) != MPI_SUCCESS) {
      return Outcome::failed;  // a message longer than expected, say
    }
    if (done == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  way.received.resize(way.expected.size());
  const bool alike = way.received == way.expected;
  delete &way;
  return alike ? Outcome::done : Outcome::mismatch;
}

}  // namespace fake_nccl
