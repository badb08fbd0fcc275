// Words whose full stop does not, or need not, end a sentence.
#pragma once

#include <cstddef>
#include <string_view>

namespace bertha {

enum class AbbreviationKind {
  none,
  title,      // never ends a sentence when capitalised: Mr., Ft. (but "five ft.")
  inner,      // never ends a sentence: e.g., vs.
  numbering,  // ends none before a number: No. 5, pp. 3
  ambiguous,  // may end one: etc., Inc., a.m.
};

// The most letters and digits in a row of any that classify_abbreviation() knows.
inline constexpr std::size_t kLongestAbbreviation = 6;

// `word` in lower case, without its last full stop: "mr", "e.g".
AbbreviationKind classify_abbreviation(std::string_view word);

// Lower-case words that often begin a sentence and seldom go on a name: "the", "he", "in".
bool begins_sentences(std::string_view word);

}  // namespace bertha
