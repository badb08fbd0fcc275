// The passes: comments out, one variant of the language, markup to text, text to paragraphs.
#include "data_pipeline/text/wikitext.h"

#include "data_pipeline/text/wikitext_cleanup.h"
#include "data_pipeline/text/wikitext_scanner.h"
#include "data_pipeline/text/wikitext_variants.h"

namespace bertha {

Paragraphs wikitext_to_paragraphs(std::string_view markup, const WikiNames& names) {
  std::string text = remove_wiki_comments(markup);
  if (text.find("-{") != std::string::npos) text = choose_language_variants(text);
  return tidy_paragraphs(WikitextScanner(text, names).run());
}

bool is_redirect_text(std::string_view markup) {
  const auto start = markup.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || markup[start] != '#') return false;
  markup.remove_prefix(start + 1);
  constexpr std::size_t kLongestWord = 80;
  const auto link = markup.substr(0, kLongestWord).find("[[");
  if (link == std::string_view::npos) return false;
  std::string_view word = markup.substr(0, link);
  if (const auto colon = word.find(':'); colon != std::string_view::npos) {
    word = word.substr(0, colon);
  }
  return is_redirect_word(word);
}

}  // namespace bertha
