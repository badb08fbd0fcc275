// ICU knows what is one.
#include "data_pipeline/tokenizer/ideographs.h"

#include <cstdint>
#include <string_view>

#include <unicode/uchar.h>
#include <unicode/unistr.h>

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

}  // namespace

std::vector<char32_t> ideographs_of(const Vocabulary& vocabulary) {
  std::vector<char32_t> characters;
  bool any = false;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    characters.push_back(ideograph_of(vocabulary.token(id), vocabulary.is_continuation(id)));
    any = any || characters.back() != 0;
  }
  if (!any) characters.clear();
  return characters;
}

}  // namespace bertha
