// BERT's normalisation and words. Expected values follow from the rules of BertNormalizer and
// BertPreTokenizer, by hand; tests/parity/test_tokens.py compares with the real ones.
#include "data_pipeline/tokenizer/text_normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TokenizerOptions kUncased;
constexpr TokenizerOptions kCased{.lower_case = false, .strip_accents = false};
constexpr TokenizerOptions kLowerOnly{.strip_accents = false};
constexpr TokenizerOptions kStripOnly{.lower_case = false};

std::vector<std::string> split(std::string_view text, const TokenizerOptions& options = kUncased) {
  TextNormalizer::Words words;
  TextNormalizer(options).split(text, words);
  std::vector<std::string> result;
  std::size_t begin = 0;
  for (const std::uint32_t end : words.ends) {
    result.push_back(words.text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, words.text.size());
  return result;
}

// The piece of the text that each word came from.
std::vector<std::string> sources(std::string_view text, const TokenizerOptions& options) {
  TextNormalizer::Words words;
  TextNormalizer(options).split(text, words);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < words.ends.size(); ++i) {
    result.emplace_back(text.substr(words.source[i], words.source_ends[i] - words.source[i]));
  }
  return result;
}

TEST(TextNormalizer, SpacesAndPunctuationPartWords) {
  EXPECT_THAT(split("Hello, World!"), ElementsAre("hello", ",", "world", "!"));
  EXPECT_THAT(split("don't $5+3 a_b"),
              ElementsAre("don", "'", "t", "$", "5", "+", "3", "a", "_", "b"));
  EXPECT_THAT(split("«oui»¿…—"), ElementsAre("«", "oui", "»", "¿", "…", "—"));
  EXPECT_THAT(split("a\tb\nc\r\nd\u00A0e\u3000f\u2028g\u2003"),
              ElementsAre("a", "b", "c", "d", "e", "f", "g"));
  EXPECT_THAT(split("5€ 2×3"), ElementsAre("5€", "2×3"));  // symbols, but not ASCII
}

TEST(TextNormalizer, NothingButSpace) {
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split(" \t\n\u2003"), IsEmpty());
  EXPECT_THAT(split(std::string_view("\0\x01\x7f\u00AD\u200B", 7)), IsEmpty());
  EXPECT_THAT(split("\u0301\u0301"), IsEmpty());
}

TEST(TextNormalizer, ControlsVanishWithinWords) {
  EXPECT_THAT(split(std::string_view("a\0b\x01"
                                     "c\x7f"
                                     "d",
                                     7)),
              ElementsAre("abcd"));
  EXPECT_THAT(split("soft\u00ADhyphen zero\u200Dwidth \uFEFFmark"),
              ElementsAre("softhyphen", "zerowidth", "mark"));
  EXPECT_THAT(split("next\u0085line private\uE000use x\uFFFDy"),
              ElementsAre("nextline", "privateuse", "xy"));
}

TEST(TextNormalizer, CaseAndAccents) {
  EXPECT_THAT(split("Naïve CAFÉ e\u0301"), ElementsAre("naive", "cafe", "e"));
  EXPECT_THAT(split("Naïve CAFÉ", kCased), ElementsAre("Naïve", "CAFÉ"));
  EXPECT_THAT(split("Naïve CAFÉ", kLowerOnly), ElementsAre("naïve", "café"));
  EXPECT_THAT(split("Naïve CAFÉ", kStripOnly), ElementsAre("Naive", "CAFE"));
  EXPECT_THAT(split("Ø ß ﬁ Ł"), ElementsAre("ø", "ß", "ﬁ", "ł"));  // no decomposition
  EXPECT_THAT(split("Москва ЙЁ"), ElementsAre("москва", "ие"));
}

TEST(TextNormalizer, LowerCaseLooksAtOneCharacterAtATime) {
  EXPECT_THAT(split("ΟΔΟΣ", kLowerOnly), ElementsAre("οδοσ"));  // no final sigma
  EXPECT_THAT(split("İI", kLowerOnly), ElementsAre("i\u0307i"));
  EXPECT_THAT(split("İI"), ElementsAre("ii"));
}

TEST(TextNormalizer, LettersOfLaterUnicodeVersions) {
  EXPECT_THAT(split("\u1C89 \uA7DC \U00010D50 \U00016EA0"),
              ElementsAre("\u1C8A", "\u019B", "\U00010D70", "\U00016EBB"));
}

TEST(TextNormalizer, IdeographsAreWords) {
  EXPECT_THAT(split("中文a字"), ElementsAre("中", "文", "a", "字"));
  EXPECT_THAT(split("中文a字", {.chinese_characters = false}), ElementsAre("中文a字"));
  EXPECT_THAT(split("ひらカナ 한"), ElementsAre("ひらカナ", "\u1112\u1161\u11AB"));
  EXPECT_THAT(split("\uF900"), ElementsAre("\u8C48"));  // a compatibility ideograph
  EXPECT_THAT(split("\U0002B820\U0002B820"), ElementsAre("\U0002B820\U0002B820"));
}

TEST(TextNormalizer, DecompositionMayLeavePunctuation) {
  EXPECT_THAT(split("a≠b"), ElementsAre("a", "=", "b"));
  EXPECT_THAT(split("a≠b", kCased), ElementsAre("a≠b"));
  EXPECT_THAT(split("τι\u037E"), ElementsAre("τι", ";"));
}

// U+1D16D (combining class 226) and U+1B44 (class 9) are kept: they are not of category Mn.
TEST(TextNormalizer, KeptMarksAreSorted) {
  const std::string sorted = "a\u1B44\U0001D16Db";
  EXPECT_THAT(split("a\U0001D16D\u1B44b"), ElementsAre(sorted));
  EXPECT_THAT(split("a\U0001D16D\u0301\u1B44b"), ElementsAre(sorted));
  EXPECT_THAT(split("a\U0001D16D\u200B\u1B44b"), ElementsAre(sorted));  // U+200B was never there
  EXPECT_THAT(split("a\U0001D16D\u034F\u1B44b"),  // U+034F has class 0: nothing passes it
              ElementsAre("a\U0001D16D\u1B44b"));
  EXPECT_THAT(split("a\U0001D16D\u1B44b", kCased), ElementsAre("a\U0001D16D\u1B44b"));
  EXPECT_THAT(split("\U0001D15F\u1B44"), ElementsAre("\U0001D158\u1B44\U0001D165"));
}

TEST(TextNormalizer, InvalidUtf8Vanishes) {
  EXPECT_THAT(split("a\xC0\x80"
                    "b"),
              ElementsAre("ab"));                               // overlong
  EXPECT_THAT(split("a\xED\xA0\x80z"), ElementsAre("az"));      // a surrogate
  EXPECT_THAT(split("a\xF4\x90\x80\x80z"), ElementsAre("az"));  // beyond U+10FFFF
  EXPECT_THAT(split("\xFF\xFE"
                    "a b\x80"),
              ElementsAre("a", "b"));                 // no UTF-8 at all
  EXPECT_THAT(split("x\xE4\xB8"), ElementsAre("x"));  // cut off
  EXPECT_THAT(split("x\xE4(y"), ElementsAre("x", "(", "y"));
}

TEST(TextNormalizer, SaysWhereWordsCameFrom) {
  EXPECT_THAT(sources("  Ünï, \u00AD中\u0301x ", kUncased), ElementsAre("Ünï", ",", "中", "x"));
  EXPECT_THAT(sources("a\u00ADb\u00AD c\u0301", kUncased), ElementsAre("a\u00ADb", "c"));
  EXPECT_THAT(sources("c\u0301d\u0301", kCased), ElementsAre("c\u0301d\u0301"));
}

TEST(TextNormalizer, LongTexts) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "\U0001D16D\u1B44";  // marks in reverse, 700 kB
  const auto words = split(text);
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].size(), text.size());
  EXPECT_EQ(words[0].substr(0, 6), "\u1B44\u1B44");
  EXPECT_EQ(split(std::string(1 << 20, 'X')), std::vector{std::string(1 << 20, 'x')});
}

TEST(TextNormalizer, OverwritesWhatWasThere) {
  TextNormalizer::Words words;
  const TextNormalizer normalizer(kUncased);
  normalizer.split("one two", words);
  normalizer.split("three", words);
  EXPECT_EQ(words.text, "three");
  EXPECT_THAT(words.ends, ElementsAre(5));
  EXPECT_THAT(words.source, ElementsAre(0));
  EXPECT_THAT(words.source_ends, ElementsAre(5));
}

}  // namespace
}  // namespace bertha
