// socket, bind, sendto, poll, recvfrom, recvmsg, getifaddrs: nowhere else.
#include "parallel/udp_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <linux/errqueue.h>
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

// Whether the kernel keeps refusals for this socket; what it kept is gone when it ends. Meanwhile a
// refusal makes the next call fail, so this is for a moment only.
class KeepRefusals {
 public:
  explicit KeepRefusals(int socket) : socket_(socket) { set(1); }
  ~KeepRefusals() {
    set(0);
    forget_error();
  }
  KeepRefusals(const KeepRefusals&) = delete;
  KeepRefusals& operator=(const KeepRefusals&) = delete;

  void forget_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
  }

 private:
  void set(int value) const { ::setsockopt(socket_, IPPROTO_IP, IP_RECVERR, &value, sizeof value); }
  int socket_;
};

bool is_refusal(msghdr& message) {
  for (auto* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_RECVERR) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(part), sizeof error);
    return error.ee_errno == ECONNREFUSED && error.ee_origin == SO_EE_ORIGIN_ICMP;
  }
  return false;
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

// The kernel's next word that a message did not arrive: of a refusal to whom it went, of anything
// else the address zero.
std::optional<UdpAddress> UdpSocket::next_refusal() const noexcept {
  sockaddr_in to{};
  alignas(cmsghdr) std::array<char, 512> control{};
  msghdr message{};  // the bytes that were sent are of no interest
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  if (!is_refusal(message)) return UdpAddress{};
  return UdpAddress{to.sin_addr.s_addr, to.sin_port};
}

std::vector<UdpAddress> UdpSocket::refused(std::span<const UdpAddress> by, std::string_view bytes,
                                           std::chrono::milliseconds within) const {
  using Clock = std::chrono::steady_clock;
  const KeepRefusals keep(socket_.get());
  std::vector<UdpAddress> refusals;
  const auto has_refused = [&](const UdpAddress& address) {
    return std::ranges::find(refusals, address) != refusals.end();
  };
  const auto end = Clock::now() + within;
  for (auto next = Clock::now(); Clock::now() < end && refusals.size() < by.size();) {
    if (Clock::now() >= next) {
      next += within / 3;
      for (const auto& address : by) {
        keep.forget_error();  // another's refusal would keep this from being sent
        if (!has_refused(address)) send(address, bytes);
      }
    }
    pollfd errors{socket_.get(), 0, 0};  // these are told unasked
    ::poll(&errors, 1, 10);
    while (const auto refusal = next_refusal()) {
      const bool asked = std::ranges::find(by, *refusal) != by.end();
      if (asked && !has_refused(*refusal)) refusals.push_back(*refusal);
    }
    keep.forget_error();
  }
  return refusals;
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
