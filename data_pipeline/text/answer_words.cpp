// ICU says what characters are; the steps come in the order of the official scripts.
#include "data_pipeline/text/answer_words.h"

#include <algorithm>

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace bertha {
namespace {

bool is_ascii_punctuation(UChar32 c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Python's str.isspace: white space by category or by direction.
bool is_space(UChar32 c) {
  const auto direction = u_charDirection(c);
  return u_charType(c) == U_SPACE_SEPARATOR || direction == U_WHITE_SPACE_NEUTRAL ||
         direction == U_BLOCK_SEPARATOR || direction == U_SEGMENT_SEPARATOR;
}

// Python's \w without the underscore, which is punctuation: combining marks are none of it.
bool is_word_character(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0 ||
         u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

bool is_article(const icu::UnicodeString& run) {
  return run == u"a" || run == u"an" || run == u"the";
}

// Articles become a space, as when they are replaced in the text.
icu::UnicodeString without_articles(const icu::UnicodeString& text) {
  icu::UnicodeString result, run;
  const auto end_run = [&] {
    if (is_article(run)) {
      result.append(u' ');
    } else {
      result.append(run);
    }
    run.remove();
  };
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto c = text.char32At(i);
    if (is_word_character(c)) {
      run.append(c);
    } else {
      end_run();
      result.append(c);
    }
  }
  end_run();
  return result;
}

}  // namespace

std::vector<std::string> answer_words(std::string_view text) {
  auto lower = icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  lower.toLower(icu::Locale::getRoot());
  icu::UnicodeString kept;
  for (std::int32_t i = 0; i < lower.length(); i = lower.moveIndex32(i, 1)) {
    if (const auto c = lower.char32At(i); !is_ascii_punctuation(c)) kept.append(c);
  }
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto end_word = [&] {
    if (!word.isEmpty()) word.toUTF8String(words.emplace_back());
    word.remove();
  };
  const auto all = without_articles(kept);
  for (std::int32_t i = 0; i < all.length(); i = all.moveIndex32(i, 1)) {
    const auto c = all.char32At(i);
    if (is_space(c)) {
      end_word();
    } else {
      word.append(c);
    }
  }
  end_word();
  return words;
}

}  // namespace bertha
