// Runs of ideographs by ICU's dictionary or, where that is not enough, by its word iterator.
#include "data_pipeline/samples/chinese_words.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

// Calls `use` with the number of characters of each word of a run of `count` ideographs.
template <class Use>
void split_run(const icu::UnicodeString& text, std::size_t count, Use use) {
  auto& iterator = word_iterator();
  iterator.setText(text);
  for (auto unit = iterator.first(); count > 0;) {
    const auto next = iterator.next();
    const auto characters = next == icu::BreakIterator::DONE
                                ? count
                                : static_cast<std::size_t>(text.countChar32(unit, next - unit));
    use(characters);
    count -= characters;
    unit = next;
  }
}

std::vector<std::uint32_t> ends_by_icu(std::span<const char32_t> run) {
  icu::UnicodeString text;
  for (const char32_t character : run) text.append(static_cast<UChar32>(character));
  std::vector<std::uint32_t> ends;
  std::uint32_t end = 0;
  split_run(text, run.size(), [&](std::size_t characters) {
    ends.push_back(end += static_cast<std::uint32_t>(characters));
  });
  return ends;
}

// ICU's dictionary, where it is read as ICU reads it: tried with runs of its words, some cut short,
// that together take milliseconds.
std::shared_ptr<const IdeographDictionary> tried_dictionary() {
  constexpr std::size_t kStep = 31, kWordsOfRun = 5;
  auto dictionary = IdeographDictionary::of_icu();
  if (!dictionary) return nullptr;
  const auto words = dictionary->some_words(kStep);
  std::u32string run;
  for (std::size_t w = 0; w < words.size(); ++w) {
    // Of words from all over: those next to each other begin alike.
    const auto& word = words[w * 7919 % words.size()];
    run += w % 3 == 0 ? word.substr(0, word.size() / 2 + 1) : word;
    if (w % kWordsOfRun != 0) continue;
    if (!std::ranges::equal(dictionary->word_ends(run), ends_by_icu(run))) return nullptr;
    run.clear();
  }
  return std::make_shared<const IdeographDictionary>(std::move(*dictionary));
}

}  // namespace

ChineseWords::ChineseWords(const Vocabulary& vocabulary) {
  bool any = false;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    characters_.push_back(ideograph_of(vocabulary.token(id), vocabulary.is_continuation(id)));
    any = any || characters_.back() != 0;
  }
  if (!any) {
    characters_.clear();
    return;
  }
  static const auto dictionary = tried_dictionary();  // it is the same for all
  dictionary_ = dictionary;
  if (!dictionary_) return;
  for (auto& character : characters_) {
    if (character != 0 && dictionary_->knows(character)) character |= kKnown;
  }
}

// Words from `begin` on are these ideographs, one each: writes them joined from place `kept` on,
// which is not behind `begin`. Gives the place behind the last one.
std::size_t ChineseWords::join_run(std::vector<WordGroup>& words, std::size_t begin,
                                   std::span<const char32_t> run, bool is_known,
                                   std::size_t kept) const {
  const auto join = [&](std::span<const std::uint32_t> ends) {
    std::size_t first = begin;
    for (const auto end : ends) {
      words[kept++] = {words[first].begin, words[begin + end - 1].end};
      first = begin + end;
    }
    return kept;
  };
  return is_known ? join(dictionary_->word_ends(run)) : join(ends_by_icu(run));
}

std::vector<WordGroup> ChineseWords::join(std::span<const std::int32_t> tokens,
                                          std::vector<WordGroup> words) const {
  if (characters_.empty()) return words;
  std::size_t kept = 0;
  std::vector<char32_t> run;
  for (std::size_t i = 0; i < words.size();) {
    if (character(tokens, words[i]) == 0) {
      words[kept++] = words[i++];
      continue;
    }
    run.clear();
    char32_t known = kKnown;
    auto end = i;
    while (end < words.size() && (end == i || words[end].begin == words[end - 1].end)) {
      const auto character = this->character(tokens, words[end]);
      if (character == 0) break;
      known &= character;
      run.push_back(character & ~kKnown);
      ++end;
    }
    if (end < i + 2) {
      words[kept++] = words[i++];
      continue;
    }
    kept = join_run(words, i, run, known != 0, kept);
    i = end;
  }
  words.resize(kept);
  return words;
}

}  // namespace bertha
