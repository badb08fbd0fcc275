// A vocabulary's letters against the settings its text would be made with.
#include "data_pipeline/tokenizer/tokenizer_settings.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::HasSubstr;

const TokenizerOptions kCased{.lower_case = false, .strip_accents = false};

Vocabulary vocabulary_of(const std::string& extra, int count) {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (int i = 0; i < 195; ++i) tokens.push_back("word" + std::to_string(i));
  for (int i = 0; i < count; ++i)
    tokens[tokens.size() - 1 - static_cast<std::size_t>(i)] = extra + std::to_string(i);
  return Vocabulary(std::move(tokens), "test");
}

TEST(TokenizerSettings, AreTold) {
  EXPECT_EQ(settings_text(kCased),
            "lower_case false, strip_accents false, chinese_characters true");
}

TEST(TokenizerSettings, CasedVocabularyIsHardlyForLowerCasedText) {
  EXPECT_THAT(casing_doubt(vocabulary_of("Word", 3), {}),
              HasSubstr("3 of its 200 tokens have capital letters"));
  EXPECT_EQ(casing_doubt(vocabulary_of("Word", 3), kCased), "");
}

TEST(TokenizerSettings, UncasedVocabularyIsHardlyForCasedText) {
  EXPECT_EQ(casing_doubt(vocabulary_of("other", 3), {}), "");
  EXPECT_THAT(casing_doubt(vocabulary_of("other", 3), kCased),
              HasSubstr("none of its 200 tokens has a capital letter"));
}

TEST(TokenizerSettings, AFewTokensThatSomebodyAddedProveNothing) {
  EXPECT_EQ(casing_doubt(vocabulary_of("Word", 2), {}), "");
  EXPECT_EQ(casing_doubt(vocabulary_of("[ENTITY", 50), {}), "");
}

TEST(TokenizerSettings, ScriptsWithoutCaseProveNothing) {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "\u4e2d", "\u6587"};
  const Vocabulary chinese(std::move(tokens), "test");
  EXPECT_EQ(casing_doubt(chinese, {}), "");
  EXPECT_EQ(casing_doubt(chinese, kCased), "");
}

}  // namespace
}  // namespace bertha
