// First rows that name columns nobody asked for, and first rows that only look like it.
#include "data_pipeline/labelled/header_guess.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_data.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Headers : public ::testing::Test {
 protected:
  // "3 rows: text|label" of the first, or the error.
  std::string read(const std::string& bytes, const LabelledOptions& options = {}) {
    const auto path = folder_.path() / "a.tsv";
    write_file(path, bytes);
    ::testing::internal::CaptureStderr();
    std::string result;
    try {
      const auto rows = all_rows(open_labelled_file(path, options));
      result = std::to_string(rows.size()) + " rows: " + rows[0].text + "|" + rows[0].label;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      result = error.message() + " -> " + error.remedy();
    }
    log_ = ::testing::internal::GetCapturedStderr();
    return result;
  }
  static std::string rows(const std::string& head, int count, const std::string& labels = "nny") {
    auto bytes = head + "\n";
    for (int i = 0; i < count; ++i) {
      const auto label = labels[static_cast<std::size_t>(i) % labels.size()];
      bytes += "tea, cup " + std::to_string(i) + "\t" + label + "\n";
    }
    return bytes;
  }
  static LabelledOptions to_predict() {
    LabelledOptions options;
    options.labelled = false;
    return options;
  }

  TestFolder folder_;
  std::string log_;
};

TEST_F(Headers, NamesAreFoundWithoutCaseAndBlanks) {
  EXPECT_EQ(read("Text\tLabel\na b\tyes\n"), "1 rows: a b|yes");
  EXPECT_THAT(log_, Not(HasSubstr("no header")));
  EXPECT_EQ(read("id\tLABEL \t TEXT\n1\tyes\ta b\n"), "1 rows: a b|yes");
  EXPECT_EQ(read("Text\ttext\tlabel\nA\ta\tyes\n"), "1 rows: a|yes");
  EXPECT_THAT(read("Text\tTEXT\tlabel\nA\ta\tyes\n"), HasSubstr("more than one column is named"));
  EXPECT_THAT(read("Text\tsentiment\na b\tyes\n"), HasSubstr("no column 'label'"));
  LabelledOptions options;
  options.text_column = "review";
  options.label_column = "Stars";
  EXPECT_EQ(read("stars\tReview\n5\ta b\n", options), "1 rows: a b|5");
}

TEST_F(Headers, WithoutOneItSaysWhatItTook) {
  EXPECT_EQ(read(rows("good tea\tyes", 3)), "4 rows: good tea|yes");
  EXPECT_THAT(log_, HasSubstr("a.tsv: no header; column 0 is the text, 1 the label (from 0), the "
                              "first row is data (else --task.header true)"));
  read("id\tcomment\n", to_predict());
  EXPECT_THAT(log_, HasSubstr("column 0 is the text (from 0)"));
  LabelledOptions options;
  options.header = "false";
  read(rows("review\tsentiment", 9), options);
  EXPECT_THAT(log_, Not(HasSubstr("no header")));
}

TEST_F(Headers, OfOtherNamesAreRefused) {
  EXPECT_THAT(
      read(rows("review\tsentiment", 9)),
      AllOf(HasSubstr("a.tsv:1: the first row seems to name the columns (review, sentiment): each "
                      "cell is one word, label 'sentiment' is nowhere else"),
            HasSubstr("--task.header true --task.text_column review --task.label_column sentiment"),
            HasSubstr("--task.header false")));
  EXPECT_THAT(read("id\treview\tsentiment\n0\tbad tea\tno\n1\tgood tea\tyes\n"),
              AllOf(HasSubstr("below 'id' there are numbers (column 0, from 0)"),
                    HasSubstr("--task.text_column review --task.label_column sentiment")));
  EXPECT_THAT(read(rows("Review Text\tStar Rating", 9, "12345")),
              AllOf(HasSubstr("label 'Star Rating' is no number, and all below are"),
                    HasSubstr("--task.text_column 'Review Text'")));
  LabelledOptions options;
  options.text_column = "0";
  EXPECT_THAT(read(rows("review\tsentiment", 9), options), HasSubstr("numbers as they are"));
  options = {};
  options.several = true;
  EXPECT_THAT(read(rows("review\ttags", 9), options), HasSubstr("'tags' is nowhere else"));
  options = {};
  options.regression = true;
  EXPECT_THAT(read("review\tscore\na b\t1\n", options),
              AllOf(HasSubstr("'score' is not a finite number (column label)"),
                    HasSubstr("--task.label_column score")));
}

TEST_F(Headers, ToPredictNumbersBelowANameTell) {
  EXPECT_THAT(read("id\tcomment\n1\tgood tea\n2\tbad\n", to_predict()),
              AllOf(HasSubstr("below 'id' there are numbers"),
                    HasSubstr("--task.header true --task.text_column comment;")));
  EXPECT_EQ(read("Great\tyes\nI like it\tno\nand\tno\n", to_predict()), "3 rows: Great|");
  EXPECT_EQ(read("Great\tyes\n1 cup\t4\nand\tno\n", to_predict()), "3 rows: Great|");
}

TEST_F(Headers, RareLabelsOfTheFirstRowAreData) {
  // A class of one example, whose text is more than a word.
  EXPECT_EQ(read(rows("what is it\tquestion", 9)), "10 rows: what is it|question");
  // One word with a class that comes again, or among texts of one word, or before a few rows.
  EXPECT_EQ(read(rows("hello\ty", 9)), "10 rows: hello|y");
  EXPECT_EQ(read("hello\tgreeting\nbye\tend\nthanks\tend\nyes\tend\ngood tea\tend\n"),
            "5 rows: hello|greeting");
  EXPECT_EQ(read(rows("hello\tgreeting", 3)), "4 rows: hello|greeting");
  LabelledOptions options;
  options.several = true;
  EXPECT_EQ(read("hello\tgreeting\n" + rows("good tea\tend,greeting", 9), options),
            "11 rows: hello|greeting");
  options = {};
  options.header = "false";
  EXPECT_EQ(read(rows("review\tsentiment", 9), options), "10 rows: review|sentiment");
}

}  // namespace
}  // namespace bertha
