// The markup that only counts at the start of a line: headings, lists, tables; and comments.
#include <algorithm>

#include "data_pipeline/text/wikitext_scanner.h"

namespace bertha {
namespace {

using Kind = WikitextFrames::Kind;

constexpr std::string_view kLineSpace = " \t\r";

std::string_view strip_line_space(std::string_view line) {
  const auto last = line.find_last_not_of(kLineSpace);
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

struct Heading {
  std::size_t level = 0;  // 0: none
  std::string_view title;
};

Heading parse_heading(std::string_view line) {
  line = strip_line_space(line);
  if (line.size() < 3 || line.front() != '=' || line.back() != '=') return {};
  const auto opening = line.find_first_not_of('=');
  if (opening == std::string_view::npos) return {};
  const std::size_t closing = line.size() - 1 - line.find_last_not_of('=');
  const std::size_t level = std::min({opening, closing, std::size_t{6}});
  std::string_view title = line.substr(level, line.size() - 2 * level);
  title.remove_prefix(std::min(title.find_first_not_of("= \t'"), title.size()));
  return {level, title.substr(0, title.find_last_not_of("= \t'") + 1)};
}

std::string_view line_at(std::string_view markup, std::size_t at) {
  return markup.substr(at, std::min(markup.find('\n', at), markup.size()) - at);
}

// Where the line after the comment begins when the comment fills its lines; else its own end.
std::size_t end_with_line(std::string_view markup, std::size_t end, std::string_view before) {
  constexpr std::size_t kFarthest = 100;  // bounded, for a page of spaces and comments
  before = before.substr(before.size() - std::min(before.size(), kFarthest));
  const auto last = before.find_last_not_of(kLineSpace);
  const bool starts_line = last == std::string_view::npos || before[last] == '\n';
  const auto next = markup.find_first_not_of(kLineSpace, end);
  const bool ends_line = next != std::string_view::npos && markup[next] == '\n';
  return starts_line && ends_line ? next + 1 : end;
}

}  // namespace

std::string remove_wiki_comments(std::string_view markup) {
  std::string text;
  text.reserve(markup.size());
  bool nowiki_closes = true;  // false: known to have no closing tag ahead
  std::size_t at = 0;
  while (at < markup.size()) {
    const auto next = std::min(markup.find('<', at), markup.size());
    text.append(markup.substr(at, next - at));
    at = next;
    if (markup.substr(at).starts_with("<!--")) {
      const auto end = markup.find("-->", at + 4);
      if (end == std::string_view::npos) break;  // MediaWiki hides the rest of the page too
      at = end_with_line(markup, end + 3, text);
    } else if (nowiki_closes && markup.substr(at).starts_with("<nowiki>")) {
      const auto end = markup.find("</nowiki>", at);
      nowiki_closes = end != std::string_view::npos;
      if (nowiki_closes) {
        text.append(markup.substr(at, end - at));
        at = end;
      }
    }
    if (at == next && at < markup.size()) text += markup[at++];
  }
  return text;
}

void WikitextScanner::end_line() {
  ++at_;
  frames_.end_line();
  if (strip_line_space(line_at(markup_, at_)).empty()) frames_.end_paragraph();
  text() += break_after_line_ ? "\n\n" : "\n";
  break_after_line_ = false;
  line_start_ = true;
}

void WikitextScanner::begin_line() {
  if (peek() == '=' && !frames_.in_template() && heading()) return;
  if (peek() != '\0' && std::string_view("*#:;").find(peek()) != std::string_view::npos) {
    begin_item();
  }
  while (peek() == ' ' || peek() == '\t') ++at_;
  if (at("{|") && !at("{|}")) {
    at_ += 2;
    frames_.open(Kind::table);
  } else if (at("|}") && frames_.in_table(Kind::table)) {
    at_ += 2;
    frames_.close_table(Kind::table);
  } else if (peek() == '|' && !frames_.in_structure()) {
    drop_table_remains();
  } else if (at("----")) {
    while (peek() == '-') ++at_;
    text() += "\n\n";
  }
}

void WikitextScanner::begin_item() {
  if (frames_.in_structure()) return;  // hidden anyway, and ':' may belong to an argument
  at_ = std::min(markup_.find_first_not_of("*#:;", at_), markup_.size());
  text() += "\n\n";
  break_after_line_ = true;
}

// Rows of a table whose beginning or end came from a template, or arguments of a broken one. A
// link's separator may stand at a line start too; that has no structure but is no row either.
void WikitextScanner::drop_table_remains() {
  if (frames_.in_link()) return;
  at_ = std::min(markup_.find('\n', at_), markup_.size());
}

// Titles are left out. True when the line was a heading.
bool WikitextScanner::heading() {
  const std::string_view line = line_at(markup_, at_);
  const Heading found = parse_heading(line);
  if (found.level == 0) return false;
  frames_.end_section();
  text() += "\n\n";
  at_ = std::min(at_ + line.size() + 1, markup_.size());
  line_start_ = true;
  if (!frames_.in_structure() && is_pointer_section(found.title)) skip_section(found.level);
  return true;
}

// To the next heading of the same level or a higher one.
void WikitextScanner::skip_section(std::size_t level) {
  while (at_ < markup_.size()) {
    const std::string_view line = line_at(markup_, at_);
    const Heading found = parse_heading(line);
    if (found.level > 0 && found.level <= level) return;
    at_ = std::min(at_ + line.size() + 1, markup_.size());
  }
}

}  // namespace bertha
