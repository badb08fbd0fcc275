// Answers about single code points, from ICU and the list of what differs.
#include "data_pipeline/tokenizer/hugging_face_unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include "data_pipeline/tokenizer/unicode_differences.h"
#include "parallel/base/error.h"

namespace bertha::hugging_face {
namespace {

bool is_in_version(std::int32_t code_point, int version) {
  UVersionInfo age;
  u_charAge(code_point, age);
  return age[0] < version || (age[0] == version && age[1] == 0);
}

// The general category as the crate unicode_categories has it (U_UNASSIGNED for what came later).
int category(std::int32_t code_point) {
  const auto* differs =
      std::find_if(std::begin(kCategoryDifferences), std::end(kCategoryDifferences),
                   [&](const CategoryDifference& entry) { return entry.code_point == code_point; });
  if (differs != std::end(kCategoryDifferences)) return differs->category;
  const int category = u_charType(code_point);
  if (category == U_UNASSIGNED || category == U_PRIVATE_USE_CHAR) return category;
  return is_in_version(code_point, kCategoriesVersion) ? category : U_UNASSIGNED;
}

const LowerCaseRange* new_lower_case(std::int32_t code_point) {
  for (const LowerCaseRange& range : kNewLowerCase) {
    if (range.first <= code_point && code_point <= range.last) return &range;
  }
  return nullptr;
}

const UNormalizer2* canonical_decomposition() {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normalizer = unorm2_getNFDInstance(&status);
  if (U_FAILURE(status)) {
    throw Error(ErrorKind::internal, std::string("ICU has no NFD data: ") + u_errorName(status),
                "install ICU's data (libicu)");
  }
  return normalizer;
}

}  // namespace

bool is_blank_place(std::int32_t code_point) {
  return u_charType(code_point) == U_UNASSIGNED && !is_chinese(code_point) &&
         new_lower_case(code_point) == nullptr;
}

bool is_removed(std::int32_t code_point) {
  if (code_point == '\t' || code_point == '\n' || code_point == '\r') return false;
  if (code_point == 0xFFFD) return true;
  const int found = category(code_point);
  return found == U_CONTROL_CHAR || found == U_FORMAT_CHAR || found == U_PRIVATE_USE_CHAR ||
         found == U_SURROGATE;
}

bool is_space(std::int32_t code_point) {
  return u_isUWhiteSpace(code_point) != 0;
}

bool is_punctuation(std::int32_t code_point) {
  if (code_point < 0x80) return code_point > ' ' && code_point < 0x7F && !u_isalnum(code_point);
  switch (category(code_point)) {
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      return true;
    default:
      return false;
  }
}

bool is_chinese(std::int32_t code_point) {
  return std::any_of(std::begin(kChineseRanges), std::end(kChineseRanges),
                     [&](const CodePointRange& range) {
                       return range.first <= code_point && code_point <= range.last;
                     });
}

bool is_accent(std::int32_t code_point) {
  return category(code_point) == U_NON_SPACING_MARK;
}

int combining_class(std::int32_t code_point) {
  const int found = u_getCombiningClass(code_point);
  return found != 0 && is_in_version(code_point, kNormalizationVersion) ? found : 0;
}

Decomposition decompose(std::int32_t code_point) {
  static const UNormalizer2* const normalizer = canonical_decomposition();
  std::array<char16_t, 8> units;
  UErrorCode status = U_ZERO_ERROR;
  const int length = unorm2_getDecomposition(normalizer, code_point, units.data(),
                                             static_cast<int>(units.size()), &status);
  if (length < 0 || !is_in_version(code_point, kNormalizationVersion)) return {{code_point}, 1};
  Decomposition result{{}, 0};
  for (int i = 0; i < length && result.count < 4;) {
    std::int32_t part = 0;
    U16_NEXT(units, i, length, part);
    result.parts[result.count++] = part;
  }
  return result;
}

Decomposition lower_case(std::int32_t code_point) {
  if (code_point == 0x130) return {{'i', 0x307}, 2};
  if (const LowerCaseRange* range = new_lower_case(code_point)) {
    return {{code_point - range->first + range->lower_of_first}, 1};
  }
  return {{u_tolower(code_point)}, 1};
}

}  // namespace bertha::hugging_face
