// Lines to paragraphs: blank lines part them, other line ends become spaces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

class ParagraphBuilder {
 public:
  explicit ParagraphBuilder(std::vector<std::string>& paragraphs) : paragraphs_(paragraphs) {}

  // A line over the paragraph limit, or one that would pass it, starts a new paragraph.
  void add_line(std::string_view line);
  // `text` line by line.
  void add_text(std::string_view text);
  std::size_t bytes() const { return bytes_; }
  bool between_paragraphs() const { return !open_; }

 private:
  std::vector<std::string>& paragraphs_;
  std::size_t bytes_ = 0;
  bool open_ = false;  // the last paragraph takes more lines
};

}  // namespace bertha
