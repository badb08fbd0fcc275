// Sentence boundaries: abbreviations, initials, several scripts, and that no text is lost.
#include "data_pipeline/text/sentence_splitter.h"

#include <cctype>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> split(std::string_view paragraph) {
  SentenceSplitter splitter;
  std::vector<std::string_view> views;
  splitter.split(paragraph, views);
  return {views.begin(), views.end()};
}

TEST(SentenceSplitter, SplitsPlainSentences) {
  EXPECT_THAT(split("  One here. Two there!  Three? \"Four.\" (Five.) "),
              ElementsAre("One here.", "Two there!", "Three?", "\"Four.\"", "(Five.)"));
  EXPECT_THAT(split("No end"), ElementsAre("No end"));
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split(" \n\t\xE2\x80\xA8 "), IsEmpty());
  EXPECT_THAT(split("It cost 3.50 at example.com. Then left."),
              ElementsAre("It cost 3.50 at example.com.", "Then left."));
}

TEST(SentenceSplitter, AbbreviationsAndInitialsDoNotEndASentence) {
  for (const char* sentence :
       {"Mr. Smith met Dr. Jones and Prof. Brown at St. Mary.",
        "J. R. R. Tolkien and George W. Bush were there.", "E.g. This, e.g. That, i.e. Both.",
        "The U.S. Army and the U.K. Parliament agreed.", "Brown vs. Board and Graham v. Florida.",
        "See No. 5, pp. 3 and Fig. 7 for it.", "Gen. Lee met Col. Scott on Jan. 5 there.",
        "Acme Inc. Chairman Robert E. Lee Jr. Smith spoke.", "А. С. Пушкин и проф. Иванов."}) {
    EXPECT_THAT(split(sentence), ElementsAre(sentence));
  }
}

TEST(SentenceSplitter, AnAmbiguousFullStopEndsBeforeAWordThatBeginsSentences) {
  EXPECT_THAT(split("He lived in the U.S. The war began."),
              ElementsAre("He lived in the U.S.", "The war began."));
  EXPECT_THAT(split("Apples, pears, etc. They grow."),
              ElementsAre("Apples, pears, etc.", "They grow."));
  EXPECT_THAT(split("It was World War I. It ended."),
              ElementsAre("It was World War I.", "It ended."));
  EXPECT_THAT(split("He said no. Then he left."), ElementsAre("He said no.", "Then he left."));
  EXPECT_THAT(split("It is five ft. Trees grow."), ElementsAre("It is five ft.", "Trees grow."));
}

TEST(SentenceSplitter, OtherScripts) {
  EXPECT_THAT(split("今日は。明日は？はい。"), ElementsAre("今日は。", "明日は？", "はい。"));
  EXPECT_THAT(split("Първо изречение. Второ изречение."),
              ElementsAre("Първо изречение.", "Второ изречение."));
  EXPECT_THAT(split("हाँ। नहीं।"), ElementsAre("हाँ।", "नहीं।"));
}

TEST(SentenceSplitter, ShortWordsOfTwoAlphabets) {
  for (const char* sentence :
       {"Живее на ул. Раковски.", "ЖИВЕЕ НА УЛ. РАКОВСКИ.", "Виж напр. Петров.",
        "Той е ГЕН. Петров.", "See EG. This.", "MR. Smith met PROF. Brown.", "Mr. X left."}) {
    EXPECT_THAT(split(sentence), ElementsAre(sentence));
  }
  for (const char* first :
       {"Това е край.", "ТОВА Е КРАЙ.", "Това ѝ пари.", "Ђурђевдан е.", "A cat.", "In 1999.",
        "As x2.", "Of an é.", "“End.”", "It is wide-eyed."}) {
    EXPECT_THAT(split(std::string(first) + " Второ."), ElementsAre(first, "Второ."));
  }
}

TEST(SentenceSplitter, IsReusableAndLosesNothingButWhiteSpace) {
  SentenceSplitter splitter;
  std::vector<std::string_view> views;
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    text += "J. Smith (U.S.) said\xC2\xA0\"Hi. \" to Mr. X!? \xF0\x9F\x98\x80 ";
  }
  for (int round = 0; round < 3; ++round) {
    splitter.split(text, views);
    std::string kept, wanted;
    for (const std::string_view view : views) {
      EXPECT_FALSE(view.empty());
      kept += view;
    }
    std::erase(kept, ' ');
    wanted = text;
    std::erase(wanted, ' ');
    EXPECT_EQ(kept, wanted);
  }
}

// Boundaries that are withdrawn must not make it look at what went before again.
TEST(SentenceSplitter, HostileTextTakesLinearTime) {
  SentenceSplitter splitter;
  std::vector<std::string_view> views;
  for (const char* piece : {"A. ", "Mr. ", ". ", " ", "a.1", ".)", "!\xE2\x80\xA8", "\"", "1. "}) {
    std::string text(1000000, ' ');
    while (text.size() < 3000000) text += piece;
    splitter.split(text, views);
    for (const std::string_view view : views) ASSERT_FALSE(view.empty());
  }
}

}  // namespace
}  // namespace bertha
