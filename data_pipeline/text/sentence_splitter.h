// Splits a paragraph into sentences.
#pragma once

#include <string_view>
#include <vector>

namespace bertha {

class SentenceSplitter {
 public:
  // `paragraph` is valid UTF-8. The views point into it, are trimmed, never empty, and lose nothing
  // but white space between them. `sentences` is overwritten. Common abbreviations and initials do
  // not end a sentence.
  void split(std::string_view paragraph, std::vector<std::string_view>& sentences);
};

}  // namespace bertha
