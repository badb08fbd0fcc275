// Finds room for the children of each node among the latest blocks.
#include "data_pipeline/tokenizer/piece_trie_builder.h"

#include <algorithm>
#include <bit>

namespace bertha {

PieceTrieBuilder::PieceTrieBuilder() {
  open_block();
  open_.back().taken[0] = 1U << PieceTrie::kStartRoot | 1U << PieceTrie::kContinuationRoot;
}

void PieceTrieBuilder::open_block() {
  if (open_.size() == kMaxOpenBlocks) open_.erase(open_.begin());
  open_.push_back({static_cast<std::uint32_t>(nodes_.size() / kBlock), {}});
  nodes_.resize(nodes_.size() + kBlock);
}

void PieceTrieBuilder::add(std::uint32_t root, std::span<const Piece> pieces) {
  add_children(root, pieces, 0);
}

// `pieces` share `depth` bytes, which lead to `node`, and are longer.
void PieceTrieBuilder::add_children(std::uint32_t node, std::span<const Piece> pieces,
                                    std::size_t depth) {
  std::vector<unsigned char> bytes;
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto byte = static_cast<unsigned char>(pieces[i].text[depth]);
    if (!bytes.empty() && bytes.back() == byte) continue;
    bytes.push_back(byte);
    begins.push_back(i);
  }
  if (bytes.empty()) return;
  begins.push_back(pieces.size());
  const std::uint32_t first_child = find_room(bytes);
  nodes_[node].first_child = first_child;
  for (const unsigned char byte : bytes) nodes_[first_child ^ byte].parent = node;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto below = pieces.subspan(begins[i], begins[i + 1] - begins[i]);
    const std::uint32_t child = first_child ^ bytes[i];
    if (below.front().text.size() == depth + 1) {  // shorter texts sort first
      nodes_[child].id = below.front().id;
      below = below.subspan(1);
    }
    add_children(child, below, depth + 1);
  }
}

// A number whose exclusive or with each of `bytes` is a free entry; takes these entries.
std::uint32_t PieceTrieBuilder::find_room(std::span<const unsigned char> bytes) {
  for (std::size_t i = 0;; ++i) {
    if (i == open_.size()) {
      open_block();
      i = open_.size() - 1;
    }
    Places conflicts{};
    for (const unsigned char byte : bytes) {
      const Places more = moved(open_[i].taken, byte);
      for (std::size_t word = 0; word < more.size(); ++word) conflicts[word] |= more[word];
    }
    for (std::size_t word = 0; word < conflicts.size(); ++word) {
      if (~conflicts[word] == 0) continue;
      const std::uint32_t place = static_cast<std::uint32_t>(word * 64) +
                                  static_cast<std::uint32_t>(std::countr_one(conflicts[word]));
      for (const unsigned char byte : bytes) {
        open_[i].taken[(place ^ byte) / 64] |= std::uint64_t{1} << (place ^ byte) % 64;
      }
      return open_[i].number * static_cast<std::uint32_t>(kBlock) + place;
    }
  }
}

// The bit of place p goes to place p ^ byte: whole words by the upper two bits of `byte`, then
// pairs of halves, quarters and so on within words by the others.
PieceTrieBuilder::Places PieceTrieBuilder::moved(const Places& places, unsigned char byte) {
  constexpr std::array<std::uint64_t, 6> kLowerHalves = {0x5555555555555555, 0x3333333333333333,
                                                         0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF,
                                                         0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};
  Places result;
  for (std::size_t word = 0; word < places.size(); ++word) {
    std::uint64_t bits = places[word ^ byte / 64];
    for (unsigned step = 0; step < kLowerHalves.size(); ++step) {
      if ((byte >> step & 1) == 0) continue;
      const std::uint64_t lower = kLowerHalves[step];
      bits = (bits & lower) << (1U << step) | (bits >> (1U << step) & lower);
    }
    result[word] = bits;
  }
  return result;
}

}  // namespace bertha
