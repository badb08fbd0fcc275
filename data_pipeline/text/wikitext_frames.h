// The constructs of wikitext that are open at a place, and the text that stands so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/text/kept_templates.h"
#include "data_pipeline/text/wiki_names.h"

namespace bertha {

// Text is appended once. A construct that hides its content remembers where it began and cuts the
// text back there when it closes; one that never closes leaves its content standing, without its
// brackets. So every byte is written once and removed at most once, however constructs are nested.
class WikitextFrames {
 public:
  enum class Kind : std::uint8_t {
    template_,      // {{...}}: hidden
    kept_template,  // {{lang|fr|...}}: some arguments stay
    table,          // {|...|}
    html_table,     // <table>...</table>
    link,           // [[...]]
    hidden_link,    // [[File:...]]
    external,       // [http://... text]
  };

  explicit WikitextFrames(const WikiNames& names) : names_(names) {}

  std::string& text() { return text_; }
  void cut_back(std::size_t size);

  void open(Kind kind);
  void open_link(bool shown_as_written);  // `[[:Category:...]]` shows its target
  // Each does nothing when there is no such construct to close.
  void close_template();
  void close_table(Kind kind);
  void close_link();
  bool close_external();
  void separator();  // '|'

  void end_line();       // labels of web addresses do not pass a line end,
  void end_paragraph();  // nor links a blank line,
  void end_section();    // nor files or tables a heading.
  void end_page();       // An open table reaches to the end.

  // The innermost construct that is a template or a table.
  bool in_template() const;
  bool in_table(Kind kind) const;
  bool in_link() const {
    return top_is(Kind::link) || top_is(Kind::hidden_link) || top_is(Kind::external);
  }
  bool in_structure() const { return innermost_structure() != kNone; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // Beyond any article. More are not opened, so that memory stays bounded whatever the markup.
  static constexpr std::size_t kMostOpen = 1 << 20;
  struct Frame {
    Kind kind;
    bool piped = false;             // a '|' was seen
    bool shown_as_written = false;  // links
    int argument = 0;               // kept templates
    unsigned int shown = 0;
    const KeptTemplate* kept = nullptr;
    std::size_t start = 0;           // in the text
    std::size_t argument_start = 0;  // in the text
    std::size_t structure = kNone;   // the innermost template or table at or below this frame
  };

  std::size_t innermost_structure() const {
    return frames_.empty() ? kNone : frames_.back().structure;
  }
  bool top_is(Kind kind) const { return !frames_.empty() && frames_.back().kind == kind; }
  std::string_view text_from(std::size_t start) const;
  void pop();
  void pop_while(std::initializer_list<Kind> kinds);
  void separate_template(Frame& frame);
  void begin_argument(Frame& frame);
  void end_argument(Frame& frame);

  const WikiNames& names_;
  std::string text_;
  std::vector<Frame> frames_;
  std::size_t open_templates_ = 0;
};

}  // namespace bertha
