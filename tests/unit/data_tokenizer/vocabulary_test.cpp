// Vocabularies that are right, and all the ways in which they are not.
#include "data_pipeline/tokenizer/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kText =
    "[PAD]\n[unused0]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n##\n[unused]x\nä\n";

// The message of the error that `text` gives, which must be bad data.
std::string refusal(std::string_view text) {
  try {
    Vocabulary::from_text(text, "some.txt");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.message();
  }
  return "accepted";
}

TEST(Vocabulary, NumbersLines) {
  const auto vocabulary = Vocabulary::from_text(kText, "v");
  EXPECT_EQ(vocabulary.size(), 11);
  EXPECT_EQ(vocabulary.pad(), 0);
  EXPECT_EQ(vocabulary.unknown(), 2);
  EXPECT_EQ(vocabulary.cls(), 3);
  EXPECT_EQ(vocabulary.sep(), 4);
  EXPECT_EQ(vocabulary.mask(), 5);
  EXPECT_EQ(vocabulary.find("##a"), 7);
  EXPECT_EQ(vocabulary.token(10), "ä");
  EXPECT_EQ(vocabulary.find("b"), -1);
  EXPECT_EQ(vocabulary.find(""), -1);
  EXPECT_EQ(vocabulary.text(), kText);
}

TEST(Vocabulary, KnowsKinds) {
  const auto vocabulary = Vocabulary::from_text(kText, "v");
  EXPECT_TRUE(vocabulary.is_continuation(7));
  EXPECT_FALSE(vocabulary.is_continuation(6));
  EXPECT_FALSE(vocabulary.is_continuation(8));  // "##" alone continues with nothing
  EXPECT_TRUE(vocabulary.is_special(5));
  EXPECT_FALSE(vocabulary.is_special(1));
  EXPECT_THAT(vocabulary.replacement_ids(), ElementsAre(6, 7, 8, 9, 10));
}

// printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n' | sha256sum
TEST(Vocabulary, Sha256IsOfTheTextAsWritten) {
  const std::string expected = "cc75ba7f9a1247b5c7b9e37ba840347b96122bc1d7257b5dcd7320b36585445a";
  const auto plain = Vocabulary::from_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", "v");
  const auto windows = Vocabulary::from_text("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]", "v");
  EXPECT_EQ(plain.sha256(), expected);
  EXPECT_EQ(windows.sha256(), expected);
}

TEST(Vocabulary, RefusesWhatIsNoVocabulary) {
  const std::string specials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  EXPECT_THAT(refusal(""), HasSubstr("some.txt: no [PAD] among 0 tokens"));
  EXPECT_THAT(refusal("[PAD]\n[UNK]\n[CLS]\n[MASK]\n"), HasSubstr("no [SEP] among 4 tokens"));
  EXPECT_THAT(refusal(specials + "a\nb\na\n"), HasSubstr("token 7 (line 8) 'a' was token 5"));
  EXPECT_THAT(refusal(specials + "a\n\nb\n"), HasSubstr("token 6 (line 7) is empty"));
  EXPECT_THAT(refusal(specials + "a\n\n"), HasSubstr("token 6 (line 7) is empty"));
  EXPECT_THAT(refusal(specials + "a\xff\n"), HasSubstr("token 5 (line 6) is not valid UTF-8"));
  EXPECT_THAT(refusal(specials + "\xed\xa0\x80\n"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(refusal(specials + "a\rb\n"), HasSubstr("holds a line end"));
  EXPECT_THAT(refusal(std::string("\x1f\x8b\x08\0\n", 5)), HasSubstr("not valid UTF-8"));
}

TEST(Vocabulary, RefusesTokensThatNoFileCanHold) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a\nb"};
  EXPECT_THROW(Vocabulary(tokens, "v"), Error);
  tokens.back() = "ab";
  EXPECT_EQ(Vocabulary(tokens, "v").find("ab"), 5);
}

TEST(Vocabulary, MissingFileIsAnInputError) {
  try {
    Vocabulary::from_file("/nowhere/vocab.txt");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), HasSubstr("/nowhere/vocab.txt"));
  }
}

}  // namespace
}  // namespace bertha
