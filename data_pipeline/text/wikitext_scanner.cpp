// The markup of running text: braces, brackets, quotes, entities, web addresses, tags.
#include "data_pipeline/text/wikitext_scanner.h"

#include <algorithm>
#include <array>

#include "data_pipeline/text/html_entities.h"

namespace bertha {
namespace {

using Kind = WikitextFrames::Kind;

constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> special{};
  for (const char c : std::string_view("\n{}[]|'_&:<")) {
    special[static_cast<unsigned char>(c)] = true;
  }
  return special;
}();

bool ends_web_address(char c) {
  return c == '\0' || std::string_view(" \t\n<>[]{}|\"").find(c) != std::string_view::npos;
}

constexpr std::array<std::string_view, 5> kSchemes = {"https", "http", "ftps", "sftp", "ftp"};

}  // namespace

std::string WikitextScanner::run() {
  text().reserve(markup_.size());
  while (at_ < markup_.size()) {
    if (line_start_) {
      line_start_ = false;
      begin_line();
    } else {
      step();
    }
  }
  frames_.end_page();
  return std::move(text());
}

void WikitextScanner::step() {
  std::size_t end = at_;
  while (end < markup_.size() && !kSpecial[static_cast<unsigned char>(markup_[end])]) ++end;
  text().append(markup_.substr(at_, end - at_));
  at_ = end;
  switch (peek()) {
    case '\n':
      return end_line();
    case '{':
    case '}':
      return braces();
    case '[':
      return opening_bracket();
    case ']':
      return closing_bracket();
    case '|':
      ++at_;
      return frames_.separator();
    case '\'':
      return quotes();
    case '_':
      return underscores();
    case '&':
      return entity();
    case ':':
      return colon();
    case '<':
      return tag();
    default:  // a NUL in the text, or the end
      if (at_ < markup_.size()) text() += markup_[at_++];
  }
}

// Pairs open and close templates; a third brace ({{{parameter}}}) is dropped, a lone one is text.
void WikitextScanner::braces() {
  const char brace = peek();
  std::size_t count = 0;
  while (peek(count) == brace) ++count;
  at_ += count;
  if (count == 1) {
    text() += brace;
    return;
  }
  for (std::size_t pair = 0; pair < count / 2; ++pair) {
    if (brace == '{') {
      frames_.open(Kind::template_);
    } else {
      frames_.close_template();
    }
  }
}

void WikitextScanner::opening_bracket() {
  if (at("[[")) {
    at_ += 2;
    const bool shown_as_written = peek() == ':';
    if (shown_as_written) ++at_;
    return frames_.open_link(shown_as_written);
  }
  ++at_;
  std::size_t scheme = 0;
  while (scheme < 10 && peek(scheme) >= 'a' && peek(scheme) <= 'z') ++scheme;
  const bool mail = rest().substr(0, scheme) == "mailto" && peek(scheme) == ':';
  const bool address = rest().substr(scheme).starts_with("://") || at("//") || mail;
  if (!address) {
    text() += '[';
    return;
  }
  while (!ends_web_address(peek())) ++at_;
  frames_.open(Kind::external);
}

void WikitextScanner::closing_bracket() {
  const bool address_in_link = at("]]]") && frames_.close_external();
  if (address_in_link) {
    ++at_;
  } else if (at("]]")) {
    at_ += 2;
    frames_.close_link();
  } else {
    ++at_;
    if (!frames_.close_external()) text() += ']';
  }
}

// Two are italics, three bold, five both; one of four and what exceeds five are apostrophes.
void WikitextScanner::quotes() {
  std::size_t count = 0;
  while (peek(count) == '\'') ++count;
  at_ += count;
  const std::size_t marks = count >= 5 ? 5 : count == 4 ? 3 : count == 1 ? 0 : count;
  text().append(count - marks, '\'');
}

// Behaviour switches: __NOTOC__
void WikitextScanner::underscores() {
  constexpr std::size_t kLongest = 64;
  if (at("__")) {
    const std::string_view start = rest().substr(2, kLongest);
    const auto end = start.find("__");
    const auto is_letter = [](char c) {
      return (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
    };
    if (end != std::string_view::npos && end > 0 &&
        std::all_of(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(end), is_letter)) {
      at_ += end + 4;
      return;
    }
  }
  text() += markup_[at_++];
}

void WikitextScanner::entity() {
  const std::size_t bytes = append_entity(rest(), text());
  if (bytes == 0) text() += '&';
  at_ += std::max<std::size_t>(bytes, 1);
}

// Bare web addresses go: they are no words. Their last punctuation is the sentence's.
void WikitextScanner::colon() {
  if (at("://")) {
    for (const std::string_view scheme : kSchemes) {
      if (!text().ends_with(scheme)) continue;
      frames_.cut_back(text().size() - scheme.size());
      const auto begin = at_;
      while (!ends_web_address(peek())) ++at_;
      // A closing bracket belongs to an address that has an opening one, as in MediaWiki.
      const auto address = markup_.substr(begin, at_ - begin);
      const bool brackets = address.find('(') != std::string_view::npos;
      const std::string_view trailing = brackets ? ".,;:!?" : ".,;:!?)";
      while (trailing.find(markup_[at_ - 1]) != std::string_view::npos) --at_;
      return;
    }
  }
  text() += markup_[at_++];
}

void WikitextScanner::tag() {
  const auto found = parse_tag(rest());
  if (!found) {
    text() += markup_[at_++];
    return;
  }
  const bool hides = !found->closing && !found->self_closing;
  at_ += found->bytes;
  switch (found->role) {
    case TagRole::inline_markup:
      return;
    case TagRole::space:
      text() += ' ';
      return;
    case TagRole::block:
      text() += "\n\n";
      return;
    case TagRole::hidden:
      if (hides) hide_content(*found);
      return;
    case TagRole::literal:
      if (hides) literal_content(*found);
      return;
    case TagRole::table:
      if (hides) frames_.open(Kind::html_table);
      if (found->closing) frames_.close_table(Kind::html_table);
      return;
  }
}

// Place of the closing tag, npos when there is none before the next opening tag of that name: then
// the author forgot it, and the text between is no part of it. With attributes (`</ref name="x">`)
// it closes nothing in MediaWiki, and here only where no other does. Scans nothing twice: the
// search ends at the next opening tag, or finds out once and for all that there is no closing one.
std::size_t WikitextScanner::find_closing(std::string_view name) {
  if (never_closed_.contains(name)) return std::string_view::npos;
  auto with_attributes = std::string_view::npos;
  for (auto next = markup_.find('<', at_); next != std::string_view::npos;
       next = markup_.find('<', next + 1)) {
    const auto tag = parse_tag(markup_.substr(next));
    if (!tag || tag->name != name || tag->self_closing) continue;
    if (!tag->closing) return with_attributes;
    if (tag->bare) return next;
    with_attributes = std::min(with_attributes, next);
  }
  if (with_attributes == std::string_view::npos) never_closed_.insert(name);
  return with_attributes;
}

void WikitextScanner::hide_content(const Tag& tag) {
  const std::size_t closing = find_closing(tag.name);
  if (closing != std::string_view::npos) at_ = markup_.find('>', closing) + 1;
}

void WikitextScanner::literal_content(const Tag& tag) {
  const std::size_t closing = find_closing(tag.name);
  if (closing == std::string_view::npos) return;
  while (at_ < closing) {
    const auto end = std::min(markup_.find_first_of("&\n", at_), closing);
    text().append(markup_.substr(at_, end - at_));
    at_ = end;
    if (at_ == closing) break;
    if (peek() == '&') {
      entity();
    } else {
      text() += ' ';
      ++at_;
    }
  }
  at_ = markup_.find('>', closing) + 1;
}

}  // namespace bertha
