// MediaWiki's language converter: what a reader of one variant of a language sees.
#pragma once

#include <string>
#include <string_view>

namespace bertha {

// Of every -{zh-hans:计算机; zh-hant:電腦;}- the first variant, of -{text}- and -{R|text}- the
// text; of rules that show nothing where they stand (-{H|...}-, -{T|...}-, -{-|...}-, -{N|...}-)
// nothing. <nowiki> protects them. `markup` has no comments. Linear in its length.
std::string choose_language_variants(std::string_view markup);

}  // namespace bertha
