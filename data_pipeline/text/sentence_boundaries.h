// Where ICU's sentence iterator puts boundaries in a text, without showing it the whole text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "data_pipeline/text/sentence_classes.h"

namespace bertha {

// One per thread.
class SentenceBoundaries {
 public:
  explicit SentenceBoundaries(const char* locale);
  ~SentenceBoundaries();
  SentenceBoundaries(const SentenceBoundaries&) = delete;
  SentenceBoundaries& operator=(const SentenceBoundaries&) = delete;

  // `text` is valid UTF-8, below 2 GiB, and outlives the calls of next().
  void start(std::string_view text);
  // Goes to the next boundary (the first is after the first sentence); false when there is none.
  bool next();
  std::size_t boundary() const { return begin_; }  // in bytes; the last is the size of the text

 private:
  static constexpr std::size_t kLongestKey = 15;  // characters: four bits each, and one in front

  // Part of the text that holds a stop and what decides about it.
  struct Window {
    std::size_t begin = 0, end = 0;
    std::size_t last = 0;    // where its last character begins
    bool decided = false;    // by that character; otherwise the text ends there
    bool separator = false;  // which that character is
    std::size_t characters = 0;
    std::array<std::size_t, kLongestKey> ends{};  // of the first characters there are
    std::uint64_t key = 1;                        // their classes; a one in front
    void clear(std::size_t at);
    void add(SentenceClass kind, std::size_t character_end);
  };
  void open_window(std::size_t stop);
  bool open_plain_window(std::size_t stop);
  std::size_t first_boundary();
  std::size_t ask_icu();

  struct Icu;
  struct Answer {
    std::uint64_t key = 0;
    std::size_t characters = 0;  // up to the boundary
  };
  const SentenceClasses& classes_;
  std::unique_ptr<Icu> icu_;
  std::vector<Answer> answers_;
  std::string_view text_;
  std::size_t begin_ = 0;     // the last boundary
  std::size_t searched_ = 0;  // no stop between it and here that is not decided
  Window window_;
};

}  // namespace bertha
