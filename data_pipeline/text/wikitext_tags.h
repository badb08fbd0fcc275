// What becomes of the HTML and extension tags that MediaWiki knows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bertha {

enum class TagRole {
  inline_markup,  // the tag goes, its content stays: <b>, <sub>, <span>
  block,          // so too, and a paragraph ends: <p>, <div>, <li>
  space,          // <br>
  hidden,         // goes with its content: <ref>, <math>, <gallery>
  literal,        // <nowiki>: the content is no markup
  table,          // <table>: goes with its content, may nest
};

struct Tag {
  std::string_view name;  // of the table: lower case
  TagRole role = TagRole::inline_markup;
  bool closing = false, self_closing = false;
  bool bare = false;      // nothing between name and ">"
  std::size_t bytes = 0;  // "<" to ">"
};

// The tag at the start of `markup`, which begins with '<'; nothing when it is none that MediaWiki
// knows: "a < b" is text. Never looks past the next '<' or '>'.
std::optional<Tag> parse_tag(std::string_view markup);

}  // namespace bertha
