// ICU's dictionary of Chinese words, laid out for speed, and the words of a run by it: those of the
// least cost together, as ICU's word iterator finds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bertha {

class IdeographDictionary {
 public:
  // Nothing where ICU's data hold no such dictionary, in the form that is known here.
  static std::optional<IdeographDictionary> of_icu();

  // Whether this character is one whose runs are split here: of the basic plane, Han, and left as
  // it is by normalization.
  bool knows(char32_t character) const {
    return character <= 0xFFFF && known_[static_cast<std::size_t>(character)];
  }
  // Where words end in a run of known characters, ascending, the last one at its end. Valid until
  // the next call in this thread.
  std::span<const std::uint32_t> word_ends(std::span<const char32_t> run) const;
  // Every `step`-th word: texts to try it with.
  std::vector<std::u32string> some_words(std::size_t step) const;

 private:
  using Words = std::vector<std::pair<std::u16string, std::uint32_t>>;  // sorted; with their costs
  explicit IdeographDictionary(const Words& words);
  void lay_out(const Words& words);
  void lay_out_pairs();
  std::uint32_t node_of_pair(char16_t first, char16_t second) const;
  void find_pairs(std::span<const char32_t> run, std::vector<std::uint32_t>& nodes) const;
  std::uint32_t child_of(std::uint32_t node, char16_t character) const;

  // A trie, level by level, so that the children of a node follow each other and end where those of
  // the next node begin. Node 0 is the root; no node has it as a child.
  struct Node {
    std::uint32_t first_child = 0;
    std::uint16_t cost = 0;  // of the word that ends here; kNoWord
    char16_t character = 0;
  };
  std::vector<Node> nodes_;                  // and the end
  std::vector<std::uint32_t> of_character_;  // [65536], nodes below the root; 0: none
  // Nodes of two characters, which most looking up is for: by hash, each in the first free place
  // from its own on (0: free). A bit for each hash says for most other pairs that they are none.
  std::vector<std::uint32_t> pairs_;
  std::vector<std::uint64_t> pair_bits_;
  std::vector<bool> known_;  // [65536]
};

}  // namespace bertha
