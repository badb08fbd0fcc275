// One pass over wikitext that writes what a reader would see, paragraphs parted by blank lines.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "data_pipeline/text/wikitext_frames.h"
#include "data_pipeline/text/wikitext_tags.h"

namespace bertha {

// Without <!-- comments -->, and without the lines that hold nothing else. <nowiki> protects them.
std::string remove_wiki_comments(std::string_view markup);

class WikitextScanner {
 public:
  // `markup` has no comments.
  WikitextScanner(std::string_view markup, const WikiNames& names)
      : markup_(markup), frames_(names) {}
  std::string run();

 private:
  char peek(std::size_t offset = 0) const {
    return at_ + offset < markup_.size() ? markup_[at_ + offset] : '\0';
  }
  std::string_view rest() const { return markup_.substr(at_); }
  std::string& text() { return frames_.text(); }
  bool at(std::string_view word) const { return rest().starts_with(word); }

  void begin_line();
  void begin_item();
  bool heading();
  void skip_section(std::size_t level);
  void drop_table_remains();
  void end_line();
  void step();
  void braces();
  void opening_bracket();
  void closing_bracket();
  void quotes();
  void underscores();
  void entity();
  void colon();
  void tag();
  void hide_content(const Tag& tag);
  void literal_content(const Tag& tag);
  std::size_t find_closing(std::string_view name);

  std::string_view markup_;
  std::size_t at_ = 0;
  bool line_start_ = true;
  bool break_after_line_ = false;  // list items are paragraphs
  WikitextFrames frames_;
  std::set<std::string_view> never_closed_;  // tags known to have no closing tag ahead
};

}  // namespace bertha
