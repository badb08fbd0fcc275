// Files of questions, good and hostile, and the windows that long contexts become.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/question_reader.h"
#include "data_pipeline/labelled/question_windows.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Questions : public ::testing::Test {
 protected:
  std::vector<Question> read(const std::string& bytes, bool labelled = true,
                             const std::string& name = "q.json") const {
    write_file(folder_.path() / name, bytes);
    return all_rows(open_question_file(folder_.path() / name, labelled));
  }
  std::string fault(const std::string& bytes, bool labelled = true) const {
    try {
      read(bytes, labelled);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      return error.message() + " -> " + error.remedy();
    }
    return "no error";
  }
  static std::string published(const std::string& context, const std::string& questions) {
    return R"({"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": ")" + context +
           R"(", "qas": [)" + questions + "]}]}]}";
  }

  TestFolder folder_;
};

TEST_F(Questions, AsPublished) {
  const auto questions = read(published(
      "Caf\u00e9 \U0001F600 in Paris",
      R"({"id": "x", "question": "where?", "answers": [{"text": "Paris", "answer_start": 10},)"
      R"({"text": "in Paris", "answer_start": 7}], "is_impossible": false},)"
      R"({"id": 7, "question": "when?", "answers": [], "is_impossible": true},)"
      R"({"question": "who?", "answers": [{"text": "", "answer_start": -1}],)"
      R"("is_impossible": true})"));
  ASSERT_EQ(questions.size(), 3U);
  EXPECT_EQ(questions[0].answers[0].begin, 14U);  // characters of two and of four bytes before it
  EXPECT_EQ(questions[0].answers[0].end, 19U);
  EXPECT_EQ(questions[0].answers[1].text, "in Paris");
  EXPECT_EQ(characters_before(*questions[0].context, 14), 10U);
  EXPECT_EQ(questions[0].context, questions[1].context);
  EXPECT_EQ(questions[1].id, "7");
  EXPECT_EQ(questions[2].id, "2");
  EXPECT_THAT(questions[2].answers, IsEmpty());
}

TEST_F(Questions, AsLines) {
  const auto questions = read(
      "\xEF\xBB\xBF"
      R"({"id": "a", "question": "q", "context": "one two", "answers": [{"text": "two", )"
      R"("answer_start": 4}]})"
      "\r\n\n"
      R"({"question": "q", "context": "one", "answers": {"text": ["one"], "answer_start": [0]}})"
      "\n",
      true, "q.jsonl");
  ASSERT_EQ(questions.size(), 2U);
  EXPECT_EQ(questions[0].answers[0].begin, 4U);
  EXPECT_EQ(questions[1].answers[0].end, 3U);
  EXPECT_EQ(questions[1].id, "1");
  EXPECT_EQ(read(R"({"question": "q", "context": ""})", false).size(), 1U);
  EXPECT_THAT(fault(R"({"question": "q", "context": "one"})"), HasSubstr("no field 'answers'"));
}

TEST_F(Questions, NamesWhatIsWrong) {
  const auto with = [](const std::string& answer) {
    return published("caf\u00e9 au lait",
                     R"({"id": "x", "question": "q", "answers": )" + answer + "}");
  };
  const auto at = [&](const std::string& start) {
    return fault(with(R"([{"text": "au", "answer_start": )" + start + "}]"));
  };
  EXPECT_EQ(at("5"), "no error");
  EXPECT_THAT(at("6"), AllOf(HasSubstr("data[0].paragraphs[0].qas[0] (question 'x')"),
                             HasSubstr("'au' does not stand at answer_start 6; there stands 'u '"),
                             HasSubstr("code points")));
  EXPECT_THAT(at("-1"), HasSubstr("answer_start -1 is not within the context"));
  EXPECT_THAT(at("99"), HasSubstr("answer_start 99 is not within the context"));
  EXPECT_THAT(at("18446744073709551615"), HasSubstr("is not within the context"));
  EXPECT_THAT(at("5.0"), HasSubstr("answer_start is 5.0, not a whole number"));
  EXPECT_THAT(at("\"5\""), HasSubstr("not a whole number"));
  EXPECT_THAT(at("null"), HasSubstr("not a whole number"));
  EXPECT_THAT(fault(with(R"([{"text": "", "answer_start": 0}])")), HasSubstr("an answer is empty"));
  EXPECT_THAT(fault(with(R"([{"answer_start": 0}])")), HasSubstr("no field 'text'"));
  EXPECT_THAT(fault(with(R"([7])")), HasSubstr("number instead of an object"));
  EXPECT_THAT(fault(with(R"({"text": ["au"], "answer_start": []})")),
              HasSubstr("1 texts and 0 answer_starts"));
  EXPECT_THAT(fault(with("null")),
              AllOf(HasSubstr("(question 'x'): field 'answers' is null, not a list"),
                    HasSubstr("has no answers: []")));
  EXPECT_EQ(fault(with("null"), false), "no error");  // nobody looks at them
  EXPECT_THAT(fault(published("c", R"({"id": "x"})")), HasSubstr("no field 'question'"));
  EXPECT_THAT(fault(published("c", R"({"id": [], "question": "q"})")), HasSubstr("'id' is array"));
  EXPECT_THAT(fault(published("c", "")), HasSubstr("holds no questions"));
  EXPECT_THAT(fault(R"({"data": [{"paragraphs": [{"qas": []}]}]})"),
              HasSubstr("no field 'context'; the fields are: qas"));
  EXPECT_THAT(fault(R"({"data": {}})"), HasSubstr("'data' is object, not a list"));
  EXPECT_THAT(fault("[]"), HasSubstr("array instead of an object"));
  EXPECT_THAT(fault(""), HasSubstr("holds no questions"));
  EXPECT_THAT(fault("{\"data\": [\n{\"paragraphs\""), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(fault("{\"question\": \"q\", \"context\": \"c\", \"answers\": []}\n{\"quest"),
              HasSubstr("q.json:2: not valid JSON"));
  EXPECT_THAT(fault("7\n"), HasSubstr("number instead of an object"));
}

class QuestionWindowing : public ::testing::Test {
 protected:
  QuestionWindows encode(const std::string& text, const std::string& context,
                         const QuestionWindowOptions& options) {
    return encode_question({"", text, std::make_shared<const std::string>(context), {}}, tokenizer_,
                           options, scratch_);
  }
  static std::vector<std::string> shown(const QuestionWindows& encoded,
                                        const std::string& context) {
    std::vector<std::string> texts;
    for (const auto& window : encoded.windows) {
      auto& text = texts.emplace_back();
      for (const auto& origin : window.origins) {
        if (origin.word >= 0) text += context.substr(origin.begin, origin.end - origin.begin);
      }
    }
    return texts;
  }

  Vocabulary vocabulary_{
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "e", "##a", "?"}, "test"};
  WordPiece tokenizer_{vocabulary_, TokenizerOptions{}};
  WordPiece::Scratch scratch_;
};

TEST_F(QuestionWindowing, SharesTheStride) {
  // Room for 9 - 3 - 2 = 4 tokens of the context; each window begins 4 - 1 = 3 later.
  const std::string context = "a b c d e a b c";
  const auto encoded = encode("a?", context, {9, 64, 1});
  EXPECT_THAT(shown(encoded, context), ElementsAre("abcd", "deab", "bc"));
  EXPECT_THAT(encoded.windows[1].tokens, ElementsAre(2, 5, 11, 3, 8, 9, 5, 6, 3));
  EXPECT_THAT(encoded.windows[1].segments, ElementsAre(0, 0, 0, 0, 1, 1, 1, 1, 1));
  EXPECT_EQ(encoded.windows[1].origins[4].begin, 6U);
  // A stride as large as the room would never move on.
  EXPECT_THAT(shown(encode("a?", context, {9, 64, 4}), context),
              ElementsAre("abcd", "cdea", "eabc"));
  EXPECT_THAT(shown(encode("a?", context, {9, 64, 0}), context), ElementsAre("abcd", "eabc"));
}

TEST_F(QuestionWindowing, CutsQuestionsAndTakesEmptyContexts) {
  auto encoded = encode("a b c d e", "", {384, 3, 128});
  ASSERT_EQ(encoded.windows.size(), 1U);
  EXPECT_EQ(encoded.lost_tokens, 2U);
  EXPECT_THAT(encoded.windows[0].tokens, ElementsAre(2, 5, 6, 7, 3, 3));
  label_window(encoded.windows[0], {"", 0, 0});
  EXPECT_THAT(encoded.windows[0].labels, ElementsAre(0, 0));
  EXPECT_THAT(encode("", "a", {384, 64, 128}).windows[0].tokens, ElementsAre(2, 3, 5, 3));
  // However long the question, a token of the context is shown.
  EXPECT_THAT(shown(encode("a b c d e", "a b", {5, 64, 128}), "a b"), ElementsAre("a", "b"));
  EXPECT_THROW(encode("a", "a", {4, 64, 0}), Error);
  EXPECT_THROW(encode("a", "a", {9, 0, 0}), Error);
  EXPECT_THROW(encode("a", "a", {9, 64, -1}), Error);
}

TEST_F(QuestionWindowing, TakesLongContexts) {
  std::string context;
  for (int i = 0; i < 50'000; ++i) context += i % 2 == 0 ? "a " : "\u00e9 ";
  const auto encoded = encode("a?", context, {384, 64, 128});
  // 50,000 tokens, 379 a window, the next one 251 later.
  EXPECT_EQ(encoded.windows.size(), 1U + (50'000 - 379 + 250) / 251);
  EXPECT_EQ(encoded.windows.back().origins[encoded.windows.back().origins.size() - 2].end,
            context.size() - 1);
}

TEST_F(QuestionWindowing, LabelsWhatIsShownWhole) {
  const std::string context = "a baa c d e";
  auto encoded = encode("a?", context, {9, 64, 1});  // a b ##a ##a | ##a c d e
  ASSERT_EQ(encoded.windows.size(), 2U);
  const auto labels = [&](std::size_t window, std::uint32_t begin, std::uint32_t end) {
    label_window(encoded.windows[window], {"", begin, end});
    return encoded.windows[window].labels;
  };
  EXPECT_THAT(labels(0, 2, 5), ElementsAre(5, 7));
  EXPECT_THAT(labels(1, 2, 5), ElementsAre(0, 0));
  EXPECT_THAT(labels(0, 3, 4), ElementsAre(6, 6));
  EXPECT_THAT(labels(1, 10, 11), ElementsAre(7, 7));  // the very last token
  EXPECT_THAT(labels(0, 0, 11), ElementsAre(0, 0));
  EXPECT_THAT(labels(1, 5, 7), ElementsAre(4, 5));  // from the blank on: the token before it
  EXPECT_THAT(labels(1, 6, 8), ElementsAre(5, 6));  // with the blank behind: the token after it
}

}  // namespace
}  // namespace bertha
