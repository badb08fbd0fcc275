// Which ranks are gone without a word: killed or crashed, while those who end in good order, or
// because they were asked to, say so first. Pure: no sockets.
#pragma once

#include <string>
#include <vector>

#include "parallel/udp_socket.h"

namespace bertha {

// Another rank, as it was heard of.
struct Peer {
  int rank = 0;
  UdpAddress address{};  // the last
  std::string host{};
  bool left = false;  // said that it ends
};

// Takes over what was heard of a rank; who has left has.
void heard_of(std::vector<Peer>& peers, Peer peer);

// "rank 2 on NODE is gone without a word ...": those whose addresses refuse what is sent to them,
// as no process has them any more, though they have not left. Empty: none.
std::string gone_ranks(std::vector<Peer> peers, const std::vector<UdpAddress>& refused);

}  // namespace bertha
