// Packs a trie into one array, so that most steps of a match stay within a cache line or two.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/piece_trie.h"

namespace bertha {

class PieceTrieBuilder {
 public:
  PieceTrieBuilder();

  struct Piece {
    std::string_view text;
    std::int32_t id;
  };
  // `pieces` sorted by text, each once, none empty.
  void add(std::uint32_t root, std::span<const Piece> pieces);

  std::vector<PieceTrie::Node> take();

 private:
  static constexpr std::size_t kBlock = 256;              // the children of a node share a block
  static constexpr std::size_t kMaxOpenBlocks = 8;        // older ones keep the gaps they have
  using Places = std::array<std::uint64_t, kBlock / 64>;  // a bit for each entry of a block
  struct Block {
    std::uint32_t number;
    Places taken;           // entries
    Places first_children;  // numbers that a node has, or that no node may have
  };

  void add_children(std::uint32_t node, std::span<const Piece> pieces, std::size_t depth);
  std::uint32_t find_room(std::span<const unsigned char> bytes);
  void open_block();
  void close_block(const Block& block);
  static Places moved(const Places& places, unsigned char byte);

  std::vector<PieceTrie::Node> nodes_;
  std::vector<Block> open_;
};

}  // namespace bertha
