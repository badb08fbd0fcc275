// Choice and scores of answers, derived by hand; random cases stand in
// tests/parity/test_answers.py.
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trainer/tasks/answer_choice.h"
#include "trainer/tasks/answer_scores.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// [CLS] question [SEP] and three tokens of the context, two bytes each, from `first` on.
std::vector<TokenOrigin> places(std::uint32_t first) {
  return {{}, {}, {}, {0, first, first + 2}, {0, first + 3, first + 5}, {0, first + 6, first + 8},
          {}};
}

class Choice : public ::testing::Test {
 protected:
  AnswerChoice choose() const {
    return choose_answer(
        std::vector<AnswerWindow>{{first_, outputs_[0].data()}, {second_, outputs_[1].data()}},
        options_);
  }
  void set(std::size_t window, std::size_t token, float start, float end) {
    outputs_[window][2 * token] = start;
    outputs_[window][2 * token + 1] = end;
  }

  std::vector<TokenOrigin> first_ = places(0), second_ = places(6);
  std::vector<float> outputs_[2] = {std::vector<float>(14, -9), std::vector<float>(14, -9)};
  AnswerOptions options_;
};

TEST_F(Choice, BestPairOfAllWindows) {
  set(0, 3, 2, 1);
  set(0, 5, 1, 4);
  set(1, 4, 3, 5);
  set(1, 1, 50, 50);  // the question is no answer
  auto choice = choose();
  EXPECT_EQ(choice.answer.begin, 9U);
  EXPECT_EQ(choice.answer.end, 11U);
  EXPECT_EQ(choice.answer.score, 8);
  options_.max_answer_length = 2;
  set(1, 4, -9, -9);
  choice = choose();  // 3 to 5 would be three tokens
  EXPECT_EQ(choice.answer.begin, 6U);
  EXPECT_EQ(choice.answer.score, 5);
}

TEST_F(Choice, NoAnswerByThreshold) {
  options_.may_be_missing = true;
  set(0, 0, 3, 3);
  set(1, 0, 2, 2);  // the lowest of the windows counts
  set(0, 4, 1, 1);
  auto choice = choose();
  EXPECT_TRUE(choice.answer.missing());
  EXPECT_EQ(choice.null_difference, 2);
  EXPECT_EQ(choice.best.begin, 3U);
  EXPECT_TRUE(choice.n_best.front().missing());
  options_.null_threshold = 2;  // larger by more than it, says the rule
  EXPECT_EQ(choose().answer.begin, 3U);
  options_.null_threshold = 0;
  options_.may_be_missing = false;
  EXPECT_EQ(choose().answer.begin, 3U);
}

TEST_F(Choice, OnePlaceInTwoWindowsIsOneCandidate) {
  set(0, 5, 1, 1);
  set(1, 3, 4, 4);
  const auto choice = choose();
  EXPECT_EQ(choice.answer.score, 8);
  std::size_t found = 0;
  for (const auto& candidate : choice.n_best) found += candidate.begin == 6 && candidate.end == 8;
  EXPECT_EQ(found, 1U);
}

TEST_F(Choice, SurvivesNumbersThatAreNone) {
  options_.may_be_missing = true;
  for (auto& outputs : outputs_) {
    outputs.assign(14, std::numeric_limits<float>::quiet_NaN());
  }
  const auto choice = choose();
  EXPECT_EQ(choice.null_difference, 0);
  EXPECT_FALSE(choice.answer.missing());
  EXPECT_TRUE(choose_answer({}, options_).answer.missing());
  EXPECT_TRUE(choose_answer({}, options_).n_best.empty());
}

TEST(AnswerScores, OfVersionOne) {
  EXPECT_THAT(
      answer_scores({{"the Cat", "", 0, {"cat", "a dog"}},
                     {"a big dog", "", 0, {"dog", "the dog sleeps"}},
                     {"", "", 0, {"x"}},
                     {"the", "", 0, {"a"}}}),  // nothing is left: equal, but no word in common
      ElementsAre(Pair("exact_match", 50), Pair("f1", 100 * (1 + 2.0 / 3) / 4)));
}

TEST(AnswerScores, OfVersionTwo) {
  // Thresholds from -3 on answer the first, from -1 on the second, too, wrongly.
  EXPECT_THAT(
      answer_scores({{"cat", "cat", -3, {"the cat", "the"}},
                     {"dog", "dog", -1, {}},
                     {"", "bird", 4, {}},
                     {"", "blue fish", 5, {"fish"}}}),
      ElementsAre(Pair("exact_match", 50), Pair("f1", 50), Pair("HasAns_exact", 50),
                  Pair("HasAns_f1", 50), Pair("HasAns_total", 2), Pair("NoAns_exact", 50),
                  Pair("NoAns_f1", 50), Pair("NoAns_total", 2), Pair("best_exact", 75),
                  Pair("best_exact_thresh", -3), Pair("best_f1", 75), Pair("best_f1_thresh", -3)));
}

double score_of(const Scores& scores, const std::string& name) {
  for (const auto& [key, value] : scores) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no score " << name;
  return 0;
}

// find_best_thresh of the official evaluate-v2.0.py, worked by hand.
TEST(AnswerScores, BestThresholdsAreFoundAsTheScriptFindsThem) {
  // Nothing is worth answering: the script's first threshold, 0, stays.
  const auto nothing = answer_scores({{"", "dog", -7, {}}, {"", "cat", 3, {"bird"}}});
  EXPECT_EQ(score_of(nothing, "best_exact"), 50);
  EXPECT_EQ(score_of(nothing, "best_exact_thresh"), 0);
  // Equal differences: 1 -> 2 with the first, 1 with the second; 2 counts.
  const JudgedAnswer right{"", "cat", 4, {"cat"}}, wrong{"", "dog", 4, {}};
  const auto first = answer_scores({right, wrong});
  EXPECT_EQ(score_of(first, "best_f1"), 100);
  EXPECT_EQ(score_of(first, "best_f1_thresh"), 4);
  // The other way round: 1 -> 0 -> 1, no better than the start.
  const auto last = answer_scores({wrong, right});
  EXPECT_EQ(score_of(last, "best_f1"), 50);
  EXPECT_EQ(score_of(last, "best_f1_thresh"), 0);
  // An article is nothing after normalising, but to the script an answer: -1. No answer costs
  // nothing.
  const auto article = answer_scores({{"", "the", -1, {}}, {"", "", -2, {}}, {"", "x", 5, {"x"}}});
  EXPECT_EQ(score_of(article, "best_exact"), 100 * 2.0 / 3);
  EXPECT_EQ(score_of(article, "best_exact_thresh"), 0);
}

}  // namespace
}  // namespace bertha
