// Hands runs of ideographs to ICU's word iterator.
#include "data_pipeline/samples/chinese_words.h"

#include <memory>
#include <string_view>

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

// The only character of a piece, if it is an ideograph; else 0.
char32_t ideograph_of(std::string_view piece, bool continues) {
  if (continues) piece.remove_prefix(2);               // "##"
  if (piece.size() < 3 || piece.size() > 4) return 0;  // of UTF-8
  const auto text =
      icu::UnicodeString::fromUTF8({piece.data(), static_cast<std::int32_t>(piece.size())});
  const auto character = text.char32At(0);
  if (text.countChar32() != 1 || u_hasBinaryProperty(character, UCHAR_IDEOGRAPHIC) == 0) return 0;
  return static_cast<char32_t>(character);
}

// An iterator belongs to one thread at a time, and making one takes long.
icu::BreakIterator& word_iterator() {
  thread_local const auto iterator = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> made(
        icu::BreakIterator::createWordInstance(icu::Locale::getChinese(), status));
    if (U_FAILURE(status)) {
      throw Error(ErrorKind::internal,
                  "ICU has no words of Chinese: " + std::string(u_errorName(status)));
    }
    return made;
  }();
  return *iterator;
}

// Words [begin, end) are ideographs, one each: writes them joined from place `kept` on, which is
// not behind `begin`. Gives the place behind the last one.
std::size_t join_run(std::vector<WordGroup>& words, std::size_t begin, std::size_t end,
                     const icu::UnicodeString& text, std::size_t kept) {
  auto& iterator = word_iterator();
  iterator.setText(text);
  std::size_t word = begin;
  for (auto unit = iterator.first(); word < end;) {
    const auto next = iterator.next();
    const auto characters = next == icu::BreakIterator::DONE
                                ? end - word
                                : static_cast<std::size_t>(text.countChar32(unit, next - unit));
    words[kept++] = {words[word].begin, words[word + characters - 1].end};
    word += characters;
    unit = next;
  }
  return kept;
}

}  // namespace

ChineseWords::ChineseWords(const Vocabulary& vocabulary) {
  bool any = false;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    characters_.push_back(ideograph_of(vocabulary.token(id), vocabulary.is_continuation(id)));
    any = any || characters_.back() != 0;
  }
  if (!any) characters_.clear();
}

std::vector<WordGroup> ChineseWords::join(std::span<const std::int32_t> tokens,
                                          std::vector<WordGroup> words) const {
  if (characters_.empty()) return words;
  std::size_t kept = 0;
  icu::UnicodeString text;
  for (std::size_t i = 0; i < words.size();) {
    if (character(tokens, words[i]) == 0) {
      words[kept++] = words[i++];
      continue;
    }
    text.remove();
    auto end = i;
    while (end < words.size() && (end == i || words[end].begin == words[end - 1].end)) {
      const auto character = this->character(tokens, words[end]);
      if (character == 0) break;
      text.append(static_cast<UChar32>(character));
      ++end;
    }
    if (end < i + 2) {
      words[kept++] = words[i++];
      continue;
    }
    kept = join_run(words, i, end, text, kept);
    i = end;
  }
  words.resize(kept);
  return words;
}

}  // namespace bertha
