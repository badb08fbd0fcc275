// One pass over the pieces.
#include "data_pipeline/samples/word_groups.h"

namespace bertha {

std::vector<WordGroup> group_words(std::span<const std::int32_t> tokens,
                                   const Vocabulary& vocabulary) {
  std::vector<WordGroup> words;
  words.reserve(tokens.size());
  bool open = false;  // the last word may go on
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (vocabulary.is_special(tokens[i])) {
      open = false;
      continue;
    }
    if (open && vocabulary.is_continuation(tokens[i])) {
      words.back().end = i + 1;
    } else {
      words.push_back({i, i + 1});
    }
    open = true;
  }
  return words;
}

}  // namespace bertha
