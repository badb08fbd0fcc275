// A bound UDP socket over IPv4, for small messages that may get lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "parallel/base/unique_handle.h"

namespace bertha {

struct UdpAddress {
  std::uint32_t host = 0;  // network byte order, both
  std::uint16_t port = 0;
  bool operator==(const UdpAddress&) const = default;
};

struct UdpMessage {
  UdpAddress from;
  std::string bytes;
};

class UdpSocket {
 public:
  UdpSocket();  // any free port, all interfaces; Error{communication}
  std::uint16_t port() const { return port_; }
  void send(const UdpAddress& to, std::string_view bytes) const noexcept;
  // The next message, or nothing when none comes in time.
  std::optional<UdpMessage> receive(std::chrono::milliseconds within) const noexcept;
  // Sends to all, now and again, and returns those of whom the other machine says within this time
  // that nobody has the port (ICMP); sooner if it is all of them. Where no such word comes, as
  // through some firewalls, nobody is known to be gone. What else comes is left to receive().
  std::vector<UdpAddress> refused(std::span<const UdpAddress> by, std::string_view bytes,
                                  std::chrono::milliseconds within) const;

 private:
  std::optional<UdpAddress> next_refusal() const noexcept;

  UniqueHandle<int, ::close, -1> socket_;
  std::uint16_t port_ = 0;
};

// Of this machine's interfaces that are up, loopback among them.
std::vector<std::uint32_t> local_hosts();

}  // namespace bertha
