// The tokens of a vocabulary as a trie of bytes, for the greedy longest match of WordPiece.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

class PieceTrie {
 public:
  explicit PieceTrie(const Vocabulary& vocabulary);

  // The pieces of a normalised word, appended; [UNK] alone where a piece is not in the vocabulary
  // or the word has more than kMaxWordCharacters.
  void split_word(std::string_view word, std::vector<std::int32_t>& ids) const;

  static constexpr std::size_t kMaxWordCharacters = 100;

  // The trie lies in one array: the child of a node by `byte` is at first_child ^ byte, if the
  // entry there has this byte; no two nodes have the same first_child. Eight bytes an entry: with
  // twelve it was an eighth slower.
  struct Node {
    std::uint32_t first_child = kNoChildren;
    std::int32_t token_and_byte = -1 << 8;

    // The token that ends here, or -1, and the byte that led here.
    std::int32_t id() const { return token_and_byte >> 8; }
    unsigned char byte() const { return static_cast<unsigned char>(token_and_byte); }
    void set(std::int32_t id, unsigned char byte) {
      token_and_byte = static_cast<std::int32_t>(static_cast<std::uint32_t>(id) << 8 | byte);
    }
  };
  static constexpr std::uint32_t kNoChildren = 0;
  static constexpr std::uint32_t kStartRoot = 0, kContinuationRoot = 1;

 private:
  // The longest token from the start of `text`: its id and bytes; id -1 when there is none.
  struct Match {
    std::int32_t id;
    std::size_t bytes;
  };
  Match longest(std::uint32_t root, std::string_view text) const;

  std::vector<Node> nodes_;
  std::int32_t unknown_;
};

}  // namespace bertha
