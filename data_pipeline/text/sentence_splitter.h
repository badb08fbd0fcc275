// Splits a paragraph into sentences with ICU's break iterator. Not thread-safe; one per thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace bertha {

class SentenceSplitter {
 public:
  explicit SentenceSplitter(const char* locale = "en");
  ~SentenceSplitter();
  SentenceSplitter(const SentenceSplitter&) = delete;
  SentenceSplitter& operator=(const SentenceSplitter&) = delete;

  // `paragraph` is valid UTF-8. The views point into it, are trimmed, never empty, and lose nothing
  // but white space between them. `sentences` is overwritten. Common abbreviations and initials do
  // not end a sentence.
  void split(std::string_view paragraph, std::vector<std::string_view>& sentences);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
