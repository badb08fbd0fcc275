// Which ideographs of a document make a word, found once for all epochs: see chinese_words.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/samples/chinese_words.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

class WordMarker {
 public:
  // `vocabulary` must outlive the marker.
  explicit WordMarker(const Vocabulary& vocabulary) : vocabulary_(vocabulary), words_(vocabulary) {}

  // Tokens of the document under way, in any pieces. Appends the marks that are clear by now:
  // kBeginsWord or kContinuesWord for each token, in order.
  void add(std::span<const std::int32_t> tokens, std::vector<std::uint8_t>& marks) {
    for (const auto token : tokens) add(token, marks);
  }
  void add(std::span<const std::uint16_t> tokens, std::vector<std::uint8_t>& marks) {
    for (const auto token : tokens) add(token, marks);
  }
  void end_document(std::vector<std::uint8_t>& marks);

 private:
  void add(std::int32_t token, std::vector<std::uint8_t>& marks);
  void add_ideograph(char32_t character, std::vector<std::uint8_t>& marks);
  void end_run(std::vector<std::uint8_t>& marks);

  const Vocabulary& vocabulary_;
  ChineseWords words_;
  std::vector<char32_t> run_;  // under way: its marks are not yet given
  bool has_marked_ = false;    // others of the run are
  bool open_ = false;          // the word before may go on
};

}  // namespace bertha
