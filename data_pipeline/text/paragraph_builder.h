// Lines to paragraphs: blank lines part them, other line ends become spaces.
#pragma once

#include <cstddef>
#include <string_view>

#include "data_pipeline/text/paragraphs.h"

namespace bertha {

// A paragraph, or one over the paragraph limit as several: cut at a space where one is near, or
// between characters.
void append_pieces(std::string_view paragraph, Paragraphs& paragraphs);

// What a paragraph counts beside its bytes where documents are bounded.
inline constexpr std::size_t kParagraphBytes = 32;

class ParagraphBuilder {
 public:
  // `bytes`: of the document's earlier paragraphs.
  explicit ParagraphBuilder(Paragraphs& paragraphs, std::size_t bytes = 0)
      : paragraphs_(paragraphs), bytes_(bytes) {}

  // A line that would pass the paragraph limit starts a new paragraph, one over it is cut. Where
  // paragraphs are so many that they alone fill the limit of a document, blank lines no longer part
  // them.
  void add_line(std::string_view line);
  // `text` line by line.
  void add_text(std::string_view text);
  // With kParagraphBytes: a paragraph of one letter takes more memory than its text.
  std::size_t bytes() const { return bytes_; }
  bool between_paragraphs() const { return !open_; }

 private:
  Paragraphs& paragraphs_;
  std::size_t bytes_;
  bool open_ = false;  // the last paragraph takes more lines
};

}  // namespace bertha
