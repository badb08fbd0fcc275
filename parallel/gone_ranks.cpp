// A list of ranks, and a sentence about some of them.
#include "parallel/gone_ranks.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::size_t kNamedRanks = 8;  // a whole job may be gone

std::string name_of(const Peer& peer) {
  auto name = fmt::format("rank {}", peer.rank);
  if (!peer.host.empty()) name += " on " + peer.host;
  return name;
}

}  // namespace

void heard_of(std::vector<Peer>& peers, Peer peer) {
  const auto known = std::ranges::find(peers, peer.rank, &Peer::rank);
  if (known == peers.end()) {
    peers.push_back(std::move(peer));
  } else {
    peer.left = peer.left || known->left;
    *known = std::move(peer);
  }
}

std::string gone_ranks(std::vector<Peer> peers, const std::vector<UdpAddress>& refused) {
  std::erase_if(peers, [&](const Peer& peer) {
    return peer.left || std::ranges::find(refused, peer.address) == refused.end();
  });
  if (peers.empty()) return {};
  std::ranges::sort(peers, {}, &Peer::rank);
  std::string text;
  for (std::size_t i = 0; i < std::min(peers.size(), kNamedRanks); ++i) {
    text += (i == 0 ? "" : ", ") + name_of(peers[i]);
  }
  if (peers.size() > kNamedRanks) text += fmt::format(" and {} more", peers.size() - kNamedRanks);
  return fmt::format(
      "{} {} gone without a word: killed (by signal 9, as when memory runs out) or crashed", text,
      peers.size() == 1 ? "is" : "are");
}

}  // namespace bertha
