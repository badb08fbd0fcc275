// ICU proposes boundaries (Unicode Standard Annex 29); those after abbreviations are withdrawn.
#include "data_pipeline/text/sentence_splitter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include <unicode/uchar.h>

#include "data_pipeline/text/abbreviations.h"
#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/sentence_boundaries.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kLongestWord = 24;  // bytes looked at on either side of a boundary

// A few code points: enough to judge a boundary.
struct Word {
  std::string lower;     // UTF-8
  int letters = 0;       // code points
  bool capital = false;  // the first is an upper-case letter
  bool digit = false;    // the first is a digit
  bool dotted = false;   // has a full stop inside: U.S, Ph.D
};

// ICU's properties, at once for ASCII and for Cyrillic: there 32 capitals stand before their small
// letters, and 16 others stand 80 places before theirs.
constexpr std::int32_t kCyrillic = 0x400, kCyrillicMiddle = 0x410, kCyrillicSmall = 0x430,
                       kCyrillicEnd = 0x460;

// ASCII's letters and digits as small ones; 0 for the rest.
constexpr std::array<char, 128> kSmall = [] {
  std::array<char, 128> small{};
  for (char c = '0'; c <= '9'; ++c) small[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) {
    small[static_cast<std::size_t>(c)] = small[static_cast<std::size_t>(c - 'a' + 'A')] = c;
  }
  return small;
}();

bool is_ascii(std::int32_t c) {
  return c >= 0 && c < 0x80;
}
bool is_cyrillic(std::int32_t c) {
  return c >= kCyrillic && c < kCyrillicEnd;
}
bool is_capital(std::int32_t c) {
  if (is_ascii(c)) return c >= 'A' && c <= 'Z';
  if (is_cyrillic(c)) return c < kCyrillicSmall;
  return u_isUUppercase(c) != 0 || u_istitle(c) != 0;
}
bool is_digit(std::int32_t c) {
  return is_ascii(c) ? c >= '0' && c <= '9' : u_isdigit(c) != 0;
}
bool is_letter_or_digit(std::int32_t c) {
  if (is_ascii(c)) return kSmall[static_cast<std::size_t>(c)] != 0;
  return is_cyrillic(c) || u_isalnum(c) != 0;
}
std::int32_t lower_case(std::int32_t c) {
  if (is_ascii(c)) return is_capital(c) ? c - 'A' + 'a' : c;
  if (!is_cyrillic(c)) return u_tolower(c);
  return c < kCyrillicMiddle ? c + 80 : c < kCyrillicSmall ? c + 32 : c;
}

void add_to_word(Word& word, std::int32_t c) {
  if (word.letters++ == 0) {
    word.capital = is_capital(c);
    word.digit = is_digit(c);
  }
  word.dotted = word.dotted || c == '.';
  if (is_ascii(c)) {
    word.lower += static_cast<char>(lower_case(c));
  } else {
    append_code_point(lower_case(c), word.lower);
  }
}

bool is_word_part(std::int32_t c) {
  return is_letter_or_digit(c) || c == '.' || c == '-' || c == 0x2116;
}

// The word that ends where `text` ends.
Word last_word(std::string_view text) {
  std::size_t bytes = 0;
  while (bytes < std::min(text.size(), kLongestWord)) {
    const CodePoint c = last_code_point(text.substr(0, text.size() - bytes));
    if (c.value < 0 || !is_word_part(c.value)) break;
    bytes += c.bytes;
  }
  Word word;
  for (text.remove_prefix(text.size() - bytes); !text.empty();) {
    const CodePoint c = first_code_point(text);
    add_to_word(word, c.value);
    text.remove_prefix(c.bytes);
  }
  return word;
}

// The word at the start of `text`, after quotes and brackets.
Word first_word(std::string_view text) {
  Word word;
  std::size_t bytes = 0;
  while (bytes < std::min(text.size(), kLongestWord)) {
    const CodePoint c = first_code_point(text.substr(bytes));
    const bool part = c.value >= 0 && is_letter_or_digit(c.value);
    if (part) add_to_word(word, c.value);
    if (!part && word.letters > 0) break;
    bytes += c.bytes;
  }
  return word;
}

bool is_initial(const Word& word) {
  return word.letters == 1 && word.capital;
}

// U.S, J.R.R, a.m, B.C: every second character is a full stop.
bool is_dotted_letters(const Word& word) {
  if (!word.dotted) return false;
  bool letter = true;
  for (std::string_view rest = word.lower; !rest.empty(); letter = !letter) {
    const CodePoint c = first_code_point(rest);
    if ((c.value != '.') != letter) return false;
    rest.remove_prefix(c.bytes);
  }
  return true;
}

// A shortcut for what most sentences end in: whether the last word is of ASCII or Cyrillic letters
// and digits, and neither an initial nor an abbreviation. False where that is not clear.
bool ends_in_plain_word(std::string_view text) {
  std::array<char, 2 * kLongestAbbreviation> lower;  // filled from its end on
  std::size_t begin = lower.size();
  std::size_t letters = 0;
  for (std::size_t at = text.size(); at > 0; ++letters) {
    const CodePoint c = last_code_point(text.substr(0, at));
    if (is_ascii(c.value)) {
      const char small = kSmall[static_cast<std::size_t>(c.value)];
      if (small == 0 && is_word_part(c.value)) return false;
      if (small == 0) break;
      if (letters == kLongestAbbreviation) return true;
      lower[--begin] = small;
    } else {
      if (!is_cyrillic(c.value)) return false;
      if (letters == kLongestAbbreviation) return true;
      const std::int32_t small = lower_case(c.value);
      lower[--begin] = static_cast<char>(0x80 | (small & 0x3F));
      lower[--begin] = static_cast<char>(0xC0 | small >> 6);
    }
    at -= c.bytes;
  }
  const std::string_view word(lower.data() + begin, lower.size() - begin);
  return letters > 1 && classify_abbreviation(word) == AbbreviationKind::none;
}

// Whether the full stop at the end of `before` belongs to an abbreviation that goes on in `after`.
bool goes_on(std::string_view before, std::string_view after) {
  if (!before.ends_with('.')) return false;
  before.remove_suffix(1);
  if (ends_in_plain_word(before)) return false;  // a shortcut
  const Word word = last_word(before);
  if (word.letters == 0) return false;
  const AbbreviationKind kind = classify_abbreviation(word.lower);
  const bool ambiguous =
      kind == AbbreviationKind::ambiguous || is_initial(word) || is_dotted_letters(word);
  if (kind == AbbreviationKind::none && !ambiguous) return false;
  const Word next = first_word(after);
  if (next.letters == 0) return false;
  if (kind == AbbreviationKind::title && word.capital) return true;
  if (kind == AbbreviationKind::inner && !is_initial(word)) return true;
  if (kind == AbbreviationKind::numbering && next.digit) return true;
  return ambiguous && !begins_sentences(next.lower);
}

}  // namespace

struct SentenceSplitter::State {
  explicit State(const char* locale) : boundaries(locale) {}
  SentenceBoundaries boundaries;
};

SentenceSplitter::SentenceSplitter(const char* locale) : state_(std::make_unique<State>(locale)) {}

SentenceSplitter::~SentenceSplitter() = default;

void SentenceSplitter::split(std::string_view paragraph, std::vector<std::string_view>& sentences) {
  sentences.clear();
  if (paragraph.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error(ErrorKind::bad_data, "a paragraph of more than 2 GiB cannot be split");
  }
  auto& boundaries = state_->boundaries;
  std::size_t begin = 0;
  for (boundaries.start(paragraph); boundaries.next();) {
    const std::size_t end = boundaries.boundary();
    // Passed for good, so that no white space is looked at twice.
    begin = end - trim_start(paragraph.substr(begin, end - begin)).size();
    const std::string_view sentence = trim(paragraph.substr(begin, end - begin));
    if (end < paragraph.size() && goes_on(sentence, paragraph.substr(end))) continue;
    if (!sentence.empty()) sentences.push_back(sentence);
    begin = end;
  }
}

}  // namespace bertha
