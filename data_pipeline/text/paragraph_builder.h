// Lines to paragraphs: blank lines part them, other line ends become spaces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// A paragraph, or one over the paragraph limit as several: cut at a space where one is near, or
// between characters.
void append_pieces(std::string paragraph, std::vector<std::string>& paragraphs);

class ParagraphBuilder {
 public:
  explicit ParagraphBuilder(std::vector<std::string>& paragraphs) : paragraphs_(paragraphs) {}

  // A line that would pass the paragraph limit starts a new paragraph, one over it is cut. Where
  // paragraphs are so many that they alone fill the limit of a document, blank lines no longer part
  // them.
  void add_line(std::string_view line);
  // `text` line by line.
  void add_text(std::string_view text);
  // In memory: a paragraph of one letter takes more than its text.
  std::size_t bytes() const { return bytes_; }
  bool between_paragraphs() const { return !open_; }

 private:
  std::vector<std::string>& paragraphs_;
  std::size_t bytes_ = 0;
  bool open_ = false;  // the last paragraph takes more lines
};

}  // namespace bertha
