// MediaWiki markup to plain paragraphs: no templates, tables, references, files, categories.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// Linear in the length of `markup`, whatever it holds. Section titles are left out; list items are
// paragraphs. Empty paragraphs do not appear.
std::vector<std::string> wikitext_to_paragraphs(std::string_view markup);

}  // namespace bertha
