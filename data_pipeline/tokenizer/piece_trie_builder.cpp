// Finds room for the children of each node among the latest blocks.
#include "data_pipeline/tokenizer/piece_trie_builder.h"

#include <algorithm>
#include <bit>

namespace bertha {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kWordBits = 64;

template <class Places>
bool has(const Places& places, std::size_t place) {
  return places[place / kWordBits] >> place % kWordBits & 1;
}

template <class Places>
void insert(Places& places, std::size_t place) {
  places[place / kWordBits] |= Word{1} << place % kWordBits;
}

// The first place that is missing, or as many as there are places.
template <class Places>
std::uint32_t first_missing(const Places& places) {
  std::uint32_t place = 0;
  for (const Word word : places) {
    if (~word != 0) return place + static_cast<std::uint32_t>(std::countr_one(word));
    place += kWordBits;
  }
  return place;
}

}  // namespace

PieceTrieBuilder::PieceTrieBuilder() {
  open_block();
  insert(open_.back().taken, PieceTrie::kStartRoot);
  insert(open_.back().taken, PieceTrie::kContinuationRoot);
  insert(open_.back().first_children, PieceTrie::kNoChildren);
}

std::vector<PieceTrie::Node> PieceTrieBuilder::take() {
  for (const Block& block : open_) close_block(block);
  open_.clear();
  return std::move(nodes_);
}

void PieceTrieBuilder::open_block() {
  if (open_.size() == kMaxOpenBlocks) {
    close_block(open_.front());
    open_.erase(open_.begin());
  }
  open_.push_back({static_cast<std::uint32_t>(nodes_.size() / kBlock), {}, {}});
  nodes_.resize(nodes_.size() + kBlock);
}

// Entries that are nobody's child get a byte that no node comes here by: that of a first_child
// which no node has. There is one, as every node with children takes one of 256 entries and one of
// 256 first_children, and the roots take entries alone.
void PieceTrieBuilder::close_block(const Block& block) {
  const std::uint32_t begin = block.number * static_cast<std::uint32_t>(kBlock);
  const std::uint32_t unused = first_missing(block.first_children);
  for (std::uint32_t place = 0; place < kBlock; ++place) {
    const std::uint32_t entry = begin + place;
    const bool is_root = entry == PieceTrie::kStartRoot || entry == PieceTrie::kContinuationRoot;
    if (has(block.taken, place) && !is_root) continue;
    nodes_[entry].set(-1, static_cast<unsigned char>(place ^ unused));
  }
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
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto below = pieces.subspan(begins[i], begins[i + 1] - begins[i]);
    const std::uint32_t child = first_child ^ bytes[i];
    const bool ends = below.front().text.size() == depth + 1;  // shorter texts sort first
    nodes_[child].set(ends ? below.front().id : -1, bytes[i]);
    if (ends) below = below.subspan(1);
    add_children(child, below, depth + 1);
  }
}

// A number that no other node has and whose exclusive or with each of `bytes` is a free entry;
// takes it and these entries.
std::uint32_t PieceTrieBuilder::find_room(std::span<const unsigned char> bytes) {
  for (std::size_t i = 0;; ++i) {
    if (i == open_.size()) {
      open_block();
      i = open_.size() - 1;
    }
    Places conflicts = open_[i].first_children;
    for (const unsigned char byte : bytes) {
      const Places more = moved(open_[i].taken, byte);
      for (std::size_t word = 0; word < more.size(); ++word) conflicts[word] |= more[word];
    }
    const std::uint32_t place = first_missing(conflicts);
    if (place == kBlock) continue;
    insert(open_[i].first_children, place);
    for (const unsigned char byte : bytes) insert(open_[i].taken, place ^ byte);
    return open_[i].number * static_cast<std::uint32_t>(kBlock) + place;
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
