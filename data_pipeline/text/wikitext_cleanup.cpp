// A single pass over each paragraph.
#include "data_pipeline/text/wikitext_cleanup.h"

#include <algorithm>
#include <cstdint>

#include <unicode/uchar.h>

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/paragraph_builder.h"

namespace bertha {
namespace {

constexpr std::string_view kNoBreakSpace = "\xC2\xA0";

bool one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

class Tidier {
 public:
  explicit Tidier(std::string_view paragraph) : input_(paragraph) {}
  std::string run();

 private:
  bool space();
  void close_bracket(char closing, char opening);
  void punctuation(char c);
  bool joins_last(char c, bool before_word);
  bool after_opening() const { return text_.empty() || text_.back() == '(' || text_.back() == '['; }

  std::string_view input_;
  std::size_t at_ = 0;
  std::string text_;
};

// Consumes white space; single spaces remain, none after an opening bracket.
bool Tidier::space() {
  const std::size_t start = at_;
  while (at_ < input_.size()) {
    if (one_of(input_[at_], " \t\r\n")) {
      ++at_;
    } else if (input_.substr(at_).starts_with(kNoBreakSpace)) {
      at_ += kNoBreakSpace.size();
    } else {
      break;
    }
  }
  if (at_ == start) return false;
  if (!after_opening() && text_.back() != ' ') text_ += ' ';
  return true;
}

// "( , )" and "()" vanish, "(born 1950, )" and "(Greek: )" lose their signs; "main()" stays.
void Tidier::close_bracket(char closing, char opening) {
  while (!text_.empty() && one_of(text_.back(), " ,;:")) text_.pop_back();
  const bool empty = !text_.empty() && text_.back() == opening;
  const bool follows_word = text_.size() >= 2 && text_[text_.size() - 2] != ' ';
  if (empty && !follows_word) {
    text_.pop_back();
  } else {
    text_ += closing;
  }
}

// Two signs between which something was removed become one: ",;" and ",." what comes second, ":,"
// what comes first, ".." one of them. "..." and ":..." are the author's. True: `c` is done with.
bool Tidier::joins_last(char c, bool before_word) {
  if (text_.empty() || !one_of(text_.back(), ",;:.")) return false;
  const char last = text_.back();
  if (c == '.') {
    const std::size_t next = std::min(input_.find_first_not_of(" \t\n", at_), input_.size());
    const bool ellipsis = text_.ends_with("..") || input_.substr(next).starts_with('.');
    if (ellipsis || before_word) return false;
    text_.back() = '.';
    return true;
  }
  if (last == '.') return false;
  if (c == ';' && last == ',') text_.back() = ';';
  return true;
}

// No space before it (unless it begins a word: ".NET"), none after "(" or twice. At the start of a
// paragraph it is what remains of a removed beginning; "...and" is not.
void Tidier::punctuation(char c) {
  const bool before_word = at_ < input_.size() && !one_of(input_[at_], " \n\t,;.)]\"'");
  const bool before_space = at_ == input_.size() || one_of(input_[at_], " \n\t");
  if (text_.empty() && (before_space || c == ',' || c == ';')) return;
  if (c == ':') {
    text_ += c;
    return;
  }
  if (!text_.empty() && text_.back() == ' ' && !before_word) text_.pop_back();
  if (c != '.' && after_opening()) return;
  if (!joins_last(c, before_word)) text_ += c;
}

std::string Tidier::run() {
  text_.reserve(input_.size());
  while (at_ < input_.size()) {
    if (space()) continue;
    const char c = input_[at_++];
    if (c == ')') {
      close_bracket(')', '(');
    } else if (c == ']') {
      close_bracket(']', '[');
    } else if (one_of(c, ",;.:")) {
      punctuation(c);
    } else {
      text_ += c;
    }
  }
  while (!text_.empty() && text_.back() == ' ') text_.pop_back();
  return std::move(text_);
}

bool has_word(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    if (u_isalnum(c.value) != 0) return true;
    text.remove_prefix(c.bytes);
  }
  return false;
}

}  // namespace

Paragraphs tidy_paragraphs(std::string_view text) {
  Paragraphs paragraphs;
  std::size_t bytes = 0;  // of the paragraphs, in memory
  std::size_t begin = 0;  // of the paragraph
  bool blank = true;      // the current line so far
  const auto flush = [&](std::size_t end) {
    const std::string paragraph = Tidier(text.substr(begin, end - begin)).run();
    if (has_word(paragraph)) {
      bytes += paragraph.size() + kParagraphBytes;
      append_pieces(paragraph, paragraphs);
    }
    begin = end;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      if (blank && at > begin && bytes < kMaximumDocumentBytes) flush(at);
      blank = true;
    } else if (!one_of(c, " \t\r")) {
      blank = false;
    }
  }
  flush(text.size());
  return paragraphs;
}

}  // namespace bertha
