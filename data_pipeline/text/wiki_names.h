// Names that MediaWiki gives a meaning: namespaces, languages, redirects, sections of pointers.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace bertha {

// Lower case (Unicode simple case folding), underscores as spaces, trimmed: how titles compare.
std::string fold_wiki_name(std::string_view name);

class WikiNames {
 public:
  // A namespace that the dump itself declares; the well-known ones of many languages are built in.
  void add_namespace(int key, std::string_view name);

  // Whether a link to this target shows no text: files, categories, the same article in another
  // language. Looks at the first bytes of the target only.
  bool hides_link(std::string_view target) const;
  // Whether a title lies in a declared namespace other than the articles'.
  bool has_namespace(std::string_view title) const;

 private:
  std::set<std::string, std::less<>> hidden_, declared_;
};

// Sections of nothing but pointers: References, See also, External links, ... in several languages.
bool is_pointer_section(std::string_view title);

// The word after '#' on a redirecting page, folded.
bool is_redirect_word(std::string_view word);

}  // namespace bertha
