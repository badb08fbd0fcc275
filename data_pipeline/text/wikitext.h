// MediaWiki markup to plain paragraphs: no templates, tables, references, files, categories.
#pragma once

#include <string_view>

#include "data_pipeline/text/paragraphs.h"
#include "data_pipeline/text/wiki_names.h"

namespace bertha {

// Linear in the length of `markup`, whatever it holds. Section titles are left out; list items are
// paragraphs. Left out with their content: templates (but a few that only mark up their text),
// tables, references, formulas, source code, galleries, files, categories, bare web addresses, and
// the sections at an article's end that only point elsewhere (References, See also, ...), readings
// of ruby. Of a language with variants the first one written stays (wikitext_variants.h).
// Empty paragraphs do not appear.
Paragraphs wikitext_to_paragraphs(std::string_view markup, const WikiNames& names = WikiNames());

// Whether the page only sends readers to another one ("#REDIRECT [[...]]", in several languages).
bool is_redirect_text(std::string_view markup);

}  // namespace bertha
