// What the heartbeats of ranks tell each other, as bytes. Ranks of one job run one program, so
// memory is the format; a token keeps strangers and other jobs out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/heartbeat_table.h"
#include "parallel/udp_socket.h"

namespace bertha {

using HostName = std::array<char, 64>;  // ends with a zero
HostName this_host();

// Where rank 0 listens; made by it and told to all.
struct Meeting {
  std::uint64_t token = 0;
  HostName host{};
  std::vector<UdpAddress> addresses{};
};
std::string pack(const Meeting& meeting);
Meeting unpack_meeting(std::string_view bytes);  // no addresses: rank 0 does not listen

// To rank 0.
struct Beat {
  std::uint64_t token = 0;
  std::int64_t rank = 0;
  RankActivity activity{};
  HostName host{};
  bool leaves = false;  // ends in good order, or was asked to end: if it is gone, that is why
};
std::string pack(const Beat& beat);
std::optional<Beat> unpack_beat(std::string_view bytes, std::uint64_t token);

// From rank 0.
struct Answer {
  bool leaves = false;  // as in Beat
  std::string held_up_by{};
};
std::string pack(const Answer& answer, std::uint64_t token);
std::optional<Answer> unpack_answer(std::string_view bytes, std::uint64_t token);

}  // namespace bertha
