// Words of answers, by the rules of the official SQuAD scripts.
#include "data_pipeline/text/answer_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(AnswerWords, DropCasePunctuationAndArticles) {
  EXPECT_THAT(answer_words("  The\tCat's an  (old) A-Team!\n"),
              ElementsAre("cats", "old", "ateam"));
  EXPECT_THAT(answer_words("the"), IsEmpty());
  EXPECT_THAT(answer_words("!?"), IsEmpty());
  EXPECT_THAT(answer_words(""), IsEmpty());
  EXPECT_THAT(answer_words("then another than"), ElementsAre("then", "another", "than"));
}

TEST(AnswerWords, FollowPythonInUnicode) {
  EXPECT_THAT(answer_words("ΟΔΟΣ STRAßE\u00a0É\u3000\u0130"),
              ElementsAre("οδος", "straße", "é", "i\u0307"));
  EXPECT_THAT(answer_words("“the”"), ElementsAre("“", "”"));  // only ASCII punctuation goes
  EXPECT_THAT(answer_words("thé a\u00b2 a\u0301"), ElementsAre("thé", "a\u00b2", "\u0301"));
  EXPECT_THAT(answer_words("x\xFF y"), ElementsAre("x\uFFFD", "y"));
}

}  // namespace
}  // namespace bertha
