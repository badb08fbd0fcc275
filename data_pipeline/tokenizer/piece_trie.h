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
  // entry there names the node as its parent.
  struct Node {
    std::uint32_t first_child = 0;
    std::uint32_t parent = kNoParent;  // of free entries too
    std::int32_t id = -1;              // the token that ends here
  };
  static constexpr std::uint32_t kNoParent = 0xFFFFFFFF;
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
