// Structures copied from and to bytes.
#include "parallel/heartbeat_messages.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <unistd.h>

namespace bertha {
namespace {

constexpr std::size_t kLongestAnswer = 1200;  // fits any network's packet

template <typename T>
std::string_view bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// The next of the bytes; false: too few.
template <typename T>
bool take(std::string_view& bytes, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

bool take_token(std::string_view& bytes, std::uint64_t token) {
  std::uint64_t found = 0;
  return take(bytes, found) && found == token;
}

}  // namespace

HostName this_host() {
  HostName name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) name = {};
  return name;
}

std::string pack(const Meeting& meeting) {
  std::string bytes(bytes_of(meeting.token));
  bytes += bytes_of(meeting.host);
  for (const auto& address : meeting.addresses) bytes += bytes_of(address);
  return bytes;
}

Meeting unpack_meeting(std::string_view bytes) {
  Meeting meeting;
  if (!take(bytes, meeting.token) || !take(bytes, meeting.host)) return {};
  meeting.host.back() = '\0';
  for (UdpAddress address; take(bytes, address);) meeting.addresses.push_back(address);
  return meeting;
}

std::string pack(const Beat& beat) {
  return std::string(bytes_of(beat));
}

std::optional<Beat> unpack_beat(std::string_view bytes, std::uint64_t token) {
  Beat beat;
  if (bytes.size() != sizeof beat || !take(bytes, beat) || beat.token != token) return {};
  beat.activity.operation.back() = beat.activity.phase.back() = beat.host.back() = '\0';
  return beat;
}

std::string pack(const Answer& answer, std::uint64_t token) {
  std::string bytes(bytes_of(token));
  bytes += answer.leaves ? '-' : '+';
  return bytes += answer.held_up_by.substr(0, kLongestAnswer);
}

std::optional<Answer> unpack_answer(std::string_view bytes, std::uint64_t token) {
  char sign = 0;
  if (!take_token(bytes, token) || !take(bytes, sign)) return {};
  return Answer{sign == '-', std::string(bytes)};
}

}  // namespace bertha
