// socket, bind, sendto, poll, recvfrom, getifaddrs: nowhere else.
#include "parallel/udp_socket.h"

#include <array>
#include <cerrno>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

sockaddr_in socket_address(const UdpAddress& address) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = address.host;
  result.sin_port = address.port;
  return result;
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorKind::communication, std::string("UDP: ") + what + ": " + errno_text(errno));
}

}  // namespace

UdpSocket::UdpSocket() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) fail("socket");
  auto address = socket_address({INADDR_ANY, 0});
  socklen_t size = sizeof address;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) fail("bind");
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("getsockname");
  }
  port_ = address.sin_port;
}

void UdpSocket::send(const UdpAddress& to, std::string_view bytes) const noexcept {
  const auto address = socket_address(to);
  static_cast<void>(::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

std::optional<UdpMessage> UdpSocket::receive(std::chrono::milliseconds within) const noexcept {
  pollfd ready{socket_.get(), POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(within.count())) <= 0) return std::nullopt;
  std::array<char, 2048> buffer;
  sockaddr_in from{};
  socklen_t size = sizeof from;
  const auto got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                              reinterpret_cast<sockaddr*>(&from), &size);
  if (got < 0) return std::nullopt;
  return UdpMessage{{from.sin_addr.s_addr, from.sin_port},
                    std::string(buffer.data(), static_cast<std::size_t>(got))};
}

std::vector<std::uint32_t> local_hosts() {
  std::vector<std::uint32_t> hosts;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return hosts;
  for (const auto* entry = list; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET ||
        (entry->ifa_flags & IFF_UP) == 0) {
      continue;
    }
    hosts.push_back(reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr.s_addr);
  }
  ::freeifaddrs(list);
  return hosts;
}

}  // namespace bertha
