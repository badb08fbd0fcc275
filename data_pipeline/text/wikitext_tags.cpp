// Tag names after MediaWiki's Sanitizer and the tag extensions that Wikipedia has installed.
#include "data_pipeline/text/wikitext_tags.h"

#include <algorithm>
#include <unordered_map>

namespace bertha {
namespace {

using Roles = std::unordered_map<std::string_view, TagRole>;

const Roles& tag_roles() {
  static const Roles roles = [] {
    Roles table;
    for (const char* name :
         {"abbr",    "b",         "bdi",       "bdo",       "big",         "cite",
          "code",    "data",      "del",       "dfn",       "em",          "font",
          "i",       "ins",       "kbd",       "mark",      "q",           "rb",
          "phonos",  "ruby",      "s",         "samp",      "small",       "span",
          "strike",  "strong",    "sub",       "sup",       "time",        "tt",
          "u",       "var",       "wbr",       "noinclude", "includeonly", "onlyinclude",
          "section", "languages", "translate", "tvar",      "nobr",        "img",
          "a",       "indicator", "label",     "pages"}) {
      table[name] = TagRole::inline_markup;
    }
    for (const char* name :
         {"blockquote", "center", "dd", "div", "dl",    "dt",    "h1",   "h2",   "h3",
          "h4",         "h5",     "h6", "hr",  "li",    "ol",    "p",    "poem", "ul",
          "caption",    "tr",     "td", "th",  "tbody", "thead", "tfoot"}) {
      table[name] = TagRole::block;
    }
    for (const char* name : {"ref",
                             "references",
                             "math",
                             "chem",
                             "ce",
                             "gallery",
                             "imagemap",
                             "timeline",
                             "score",
                             "source",
                             "syntaxhighlight",
                             "pre",
                             "hiero",
                             "graph",
                             "mapframe",
                             "maplink",
                             "templatedata",
                             "templatestyles",
                             "inputbox",
                             "categorytree",
                             "style",
                             "script",
                             "charinsert",
                             "rp",
                             "rt",
                             "rtc"}) {
      table[name] = TagRole::hidden;
    }
    table["br"] = TagRole::space;
    table["nowiki"] = TagRole::literal;
    table["table"] = TagRole::table;
    return table;
  }();
  return roles;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::optional<Tag> parse_tag(std::string_view markup) {
  constexpr std::size_t kLongestName = 16;
  Tag tag;
  std::size_t at = 1;
  if (at < markup.size() && markup[at] == '/') {
    tag.closing = true;
    ++at;
  }
  std::string name;
  while (at < markup.size() && is_letter_or_digit(markup[at])) {
    if (name.size() == kLongestName) return std::nullopt;
    const char c = markup[at++];
    name += (c >= 'A' && c <= 'Z') ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  const auto known = tag_roles().find(name);
  if (known == tag_roles().end()) return std::nullopt;
  const auto end = markup.find_first_of("<>", at);
  if (end == std::string_view::npos || markup[end] == '<') return std::nullopt;
  if (end > at && std::string_view(" \t\r\n/\"").find(markup[at]) == std::string_view::npos) {
    return std::nullopt;
  }
  tag.name = known->first;
  tag.role = known->second;
  tag.self_closing = markup[end - 1] == '/';
  tag.bare = markup.find_first_not_of(" \t\r\n", at) == end;
  tag.bytes = end + 1;
  return tag;
}

}  // namespace bertha
