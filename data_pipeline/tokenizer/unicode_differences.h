// A data table: where Hugging Face tokenizers 0.23 differs from ICU 72 (Unicode 15), and its ranges
// of ideographs. Found by tests/parity/test_tokens.py, which compares every code point.
#pragma once

#include <cstdint>

#include <unicode/uchar.h>

namespace bertha::hugging_face {

// Unicode versions of the tables: general categories, and canonical decomposition and ordering.
inline constexpr int kCategoriesVersion = 8;
inline constexpr int kNormalizationVersion = 9;

// Categories that were corrected after Unicode 8.0.
struct CategoryDifference {
  std::int32_t code_point;
  int category;
};
inline constexpr CategoryDifference kCategoryDifferences[] = {
    {0x166D, U_OTHER_PUNCTUATION},       // Canadian syllabics chi sign
    {0x1734, U_NON_SPACING_MARK},        // Hanunoo sign pamudpod
    {0x1885, U_OTHER_LETTER},            // Mongolian letter ali gali baluda
    {0x1886, U_OTHER_LETTER},            // Mongolian letter ali gali three baluda
    {0xA9BD, U_COMBINING_SPACING_MARK},  // Javanese consonant sign keret
    {0x111C9, U_OTHER_PUNCTUATION},      // Sharada sandhi mark
};

struct CodePointRange {
  std::int32_t first, last;
};
// Extension E begins at 2B920 there, not at 2B820: a slip that tokenizers inherited.
inline constexpr CodePointRange kChineseRanges[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

// Lower case of letters that Unicode 16 and 17 brought.
struct LowerCaseRange {
  std::int32_t first, last, lower_of_first;
};
inline constexpr LowerCaseRange kNewLowerCase[] = {
    {0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x264},  {0xA7CC, 0xA7CC, 0xA7CD},
    {0xA7CE, 0xA7CE, 0xA7CF},    {0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5},
    {0xA7DA, 0xA7DA, 0xA7DB},    {0xA7DC, 0xA7DC, 0x19B},  {0x10D50, 0x10D65, 0x10D70},
    {0x16EA0, 0x16EB8, 0x16EBB},
};

}  // namespace bertha::hugging_face
