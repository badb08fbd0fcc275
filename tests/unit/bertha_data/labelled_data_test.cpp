// Files of labelled examples in every format, good and bad.
#include "data_pipeline/labelled/labelled_data.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_value.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Labelled : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& bytes) const {
    write_file(folder_.path() / name, bytes);
    return folder_.path() / name;
  }
  // "text|pair|label|row" by example.
  std::vector<std::string> read(const std::string& name, const std::string& bytes,
                                const LabelledOptions& options = {}) const {
    std::vector<std::string> lines;
    for (const auto& example : all_rows(open_labelled_file(file(name, bytes), options))) {
      lines.push_back(example.text + "|" + (example.has_pair ? example.pair : "-") + "|" +
                      example.label + "|" + std::to_string(example.row));
    }
    return lines;
  }
  std::string fault(const std::string& name, const std::string& bytes,
                    const LabelledOptions& options = {},
                    ErrorKind kind = ErrorKind::bad_data) const {
    try {
      read(name, bytes, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message() + " -> " + error.remedy();
    }
    return "no error";
  }

  TestFolder folder_;
};

TEST_F(Labelled, TsvWithAHeader) {
  EXPECT_THAT(read("a.tsv", "text\tlabel\ngood one\tyes\nbad one\tno\n"),
              ElementsAre("good one|-|yes|2", "bad one|-|no|3"));
  EXPECT_THAT(read("a.tsv", "label\tid\ttext\r\nyes\t7\tgood \"one\r\n\r\n no \t8\t\r\n"),
              ElementsAre("good \"one|-|yes|2", "|-|no|4"));
  LabelledOptions options;
  options.text_column = "premise";
  options.pair_column = "hypothesis";
  options.label_column = "gold";
  EXPECT_THAT(read("a.tsv", "gold\tpremise\thypothesis\n0\ta\tb\n1\tc\t\n", options),
              ElementsAre("a|b|0|2", "c||1|3"));
  options.text_column = "1";
  options.pair_column = "2";
  EXPECT_THAT(read("a.tsv", "gold\tpremise\thypothesis\n0\ta\tb\n", options),
              ElementsAre("a|b|0|2"));
}

TEST_F(Labelled, TsvWithoutAHeader) {
  EXPECT_THAT(read("a.tsv", "good one\tyes\nbad one\tno"),
              ElementsAre("good one|-|yes|1", "bad one|-|no|2"));
  LabelledOptions options;
  options.text_column = "2";
  options.label_column = "0";
  EXPECT_THAT(read("a.tsv", "yes\tx\tgood\n", options), ElementsAre("good|-|yes|1"));
  options = {};
  options.header = "false";
  EXPECT_THAT(read("a.tsv", "text\tlabel\n", options), ElementsAre("text|-|label|1"));
  options.header = "true";
  EXPECT_THAT(fault("a.tsv", "good\tyes\nbad\tno\n", options),
              AllOf(HasSubstr("a.tsv:1: no column 'text'"), HasSubstr("good, yes")));
}

TEST_F(Labelled, Csv) {
  LabelledOptions options;
  options.header = "false";
  options.text_column = "0";
  options.pair_column = "1";
  options.label_column = "2";
  EXPECT_THAT(
      read("a.csv", "\"a \"\"quoted\"\", text\",\"second\nline\",red\r\nx,y,green\r\n", options),
      ElementsAre("a \"quoted\", text|second\nline|red|1", "x|y|green|3"));
  EXPECT_THAT(read("a.csv", "\xEF\xBB\xBFtext,label\n\"a, b\",1\n"), ElementsAre("a, b|-|1|2"));
}

TEST_F(Labelled, JsonLines) {
  EXPECT_THAT(read("a.jsonl",
                   "{\"text\": \"a\\nb\", \"label\": \"x\"}\n\n"
                   "{\"label\": 3, \"text\": \"\\u00e9\"}\r\n"
                   "{\"text\": \"c\", \"label\": true}\n{\"text\": \"d\", \"label\": -0.5}"),
              ElementsAre("a\nb|-|x|1", "\xC3\xA9|-|3|3", "c|-|true|4", "d|-|-0.5|5"));
  LabelledOptions options;
  options.text_column = "q1";
  options.pair_column = "q2";
  options.label_column = "same";
  EXPECT_THAT(read("a.json", "{\"q1\": \"a\", \"q2\": \"b\", \"same\": 0}", options),
              ElementsAre("a|b|0|1"));
  EXPECT_THAT(fault("a.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"tag\": 1}\n"),
              AllOf(HasSubstr("a.jsonl:2: no field 'label'"), HasSubstr("tag, text")));
  EXPECT_THAT(fault("a.jsonl", "{\"text\": 4, \"label\": 1}"), HasSubstr("field 'text' is number"));
  EXPECT_THAT(fault("a.jsonl", "{\"text\": \"a\", \"label\": null}"), HasSubstr("'label' is null"));
  EXPECT_THAT(fault("a.jsonl", "{\"text\": \"a\", \"label\": [1]}"), HasSubstr("'label' is array"));
  EXPECT_THAT(fault("a.jsonl", "{\"text\": \"a\"\n"), HasSubstr("a.jsonl:1: not valid JSON"));
  EXPECT_THAT(fault("a.jsonl", "[1]\n"), HasSubstr("array instead of an object"));
  EXPECT_THAT(fault("a.jsonl", std::string(100'000, '[')), HasSubstr("not valid JSON"));
}

TEST_F(Labelled, FormatsByContent) {
  EXPECT_THAT(read("train", "{\"text\": \"a\", \"label\": 1}\n"), ElementsAre("a|-|1|1"));
  EXPECT_THAT(read("train.txt", "a, b\t1\n"), ElementsAre("a, b|-|1|1"));
  EXPECT_THAT(read("train.txt", "\"a\",1\n"), ElementsAre("a|-|1|1"));
  LabelledOptions options;
  options.delimiter = "tab";
  EXPECT_THAT(read("a.csv", "x\t1\n", options), ElementsAre("x|-|1|1"));
  options.delimiter = "comma";
  EXPECT_THAT(read("a.tsv", "x,1\n", options), ElementsAre("x|-|1|1"));
  options.delimiter = "jsonl";
  EXPECT_THAT(read("a.tsv", "{\"text\": \"a\", \"label\": 1}", options), ElementsAre("a|-|1|1"));
  options.delimiter = "semicolon";
  EXPECT_THAT(fault("a.tsv", "x,1\n", options, ErrorKind::usage), HasSubstr("semicolon"));
}

TEST_F(Labelled, NamesWhatIsMissing) {
  LabelledOptions options;
  options.label_column = "colour";
  EXPECT_THAT(fault("a.tsv", "text\tlabel\na\t1\n", options),
              AllOf(HasSubstr("no column 'colour'"), HasSubstr("text, label"),
                    HasSubstr("--task.label_column")));
  EXPECT_THAT(fault("short.tsv", "text\tlabel\ngood one\tyes\nbad one\n"),
              HasSubstr("short.tsv:3: 1 column"));
  EXPECT_THAT(fault("long.tsv", "text\tlabel\ngood\tone\tyes\n"),
              HasSubstr("long.tsv:2: 3 column(s) where the first row has 2"));
  EXPECT_THAT(fault("a.tsv", "text\tlabel\na\t \n"), HasSubstr("a.tsv:2: the label is empty"));
  EXPECT_THAT(fault("a.tsv", "only text\n"), HasSubstr("no column '1'"));
  EXPECT_THAT(fault("a.tsv", ""), HasSubstr("holds no examples"));
  EXPECT_THAT(fault("a.tsv", "text\tlabel\n"), HasSubstr("holds no examples"));
  EXPECT_THAT(fault("a.csv", "text,label\n\"a,1\n"), HasSubstr("a.csv:2: a quote"));
  options.label_column = "7";
  EXPECT_THAT(fault("a.tsv", "a\t1\n", options), HasSubstr("no column '7'"));
}

TEST_F(Labelled, OptionsThatContradict) {
  LabelledOptions options;
  options.header = "false";
  options.text_column = "review";
  EXPECT_THAT(fault("a.tsv", "a\t1\n", options, ErrorKind::usage), HasSubstr("header is false"));
  options.header = "perhaps";
  EXPECT_THAT(fault("a.tsv", "a\t1\n", options, ErrorKind::usage), HasSubstr("perhaps"));
  options = {};
  options.text_column = "1";
  EXPECT_THAT(fault("a.tsv", "a\t1\n", options, ErrorKind::usage), HasSubstr("not all different"));
}

TEST_F(Labelled, MissingFilesAndFolders) {
  for (const auto& path : {folder_.path() / "no-such.tsv", folder_.path()}) {
    try {
      all_rows(open_labelled_file(path, {}));
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.message(), HasSubstr(path.string()));
    }
  }
}

TEST_F(Labelled, InvalidUtf8IsReplaced) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(read("a.tsv", "a\xFF z\t1\nb\xC3\t2\n"),
              ElementsAre("a\xEF\xBF\xBD z|-|1|1", "b\xEF\xBF\xBD|-|2|2"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("2 byte(s) that are not UTF-8"));
  EXPECT_THAT(fault("a.tsv", std::string("\xFF\xFE"
                                         "a\0",
                                         4)),
              HasSubstr("UTF-16"));
}

TEST_F(Labelled, Compressed) {
  const auto path = file("a.tsv", "text\tlabel\nx\t1\n");
  ASSERT_EQ(std::system(("gzip -kf " + path.string()).c_str()), 0);
  const auto examples = all_rows(open_labelled_file(path.string() + ".gz", {}));
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_EQ(examples[0].text, "x");
}

TEST_F(Labelled, RegressionLabelsAreNumbers) {
  LabelledOptions options;
  options.regression = true;
  EXPECT_THAT(read("a.tsv", "a\t1.5\nb\t -2e-3\n", options),
              ElementsAre("a|-|1.5|1", "b|-|-2e-3|2"));
  for (const std::string bad : {"nan", "inf", "1e999", "1e39", "five", "1,5", "0x10", "1 2"}) {
    EXPECT_THAT(fault("a.tsv", "a\t1\nb\t" + bad + "\n", options),
                HasSubstr("a.tsv:2: label '" + bad + "' is not a finite number (column label)"));
  }
  EXPECT_EQ(parse_regression_label("+4"), 4.0F);
  EXPECT_EQ(parse_regression_label("+-4"), std::nullopt);
  EXPECT_EQ(parse_regression_label(""), std::nullopt);
}

TEST_F(Labelled, InputsToPredict) {
  LabelledOptions options;
  options.labelled = false;
  EXPECT_THAT(read("new.txt", "this, is\ta text\n\nlast \"line\r\n", options),
              ElementsAre("this, is\ta text|-||1", "|-||2", "last \"line|-||3"));
  EXPECT_THAT(read("new.txt", "no line end", options), ElementsAre("no line end|-||1"));
  EXPECT_THAT(read("new.tsv", "id\ttext\n1\ta\n\n2\tb\n", options),
              ElementsAre("a|-||2", "|-||3", "b|-||4"));
  EXPECT_THAT(read("new.tsv", "\na\n", options), ElementsAre("|-||1", "a|-||2"));
  EXPECT_THAT(read("new.csv", "label,text\nx,\"a, b\"\n", options), ElementsAre("a, b|-||2"));
  EXPECT_THAT(read("new.jsonl", "{\"text\": \"a\"}\n", options), ElementsAre("a|-||1"));
  EXPECT_THAT(fault("new.txt", "", options), HasSubstr("holds no examples"));
  options.pair_column = "1";
  EXPECT_THAT(read("new.txt", "a\tb\n", options), ElementsAre("a|b||1"));
}

TEST(Excerpt, IsOneShortLine) {
  EXPECT_EQ(excerpt("a\nb\tc"), "a b c");
  EXPECT_EQ(excerpt(std::string(59, 'x') + "\xC3\xA9z"), std::string(59, 'x') + "...");
  EXPECT_THAT(excerpt_list(std::vector<std::string>(500, "name")),
              ::testing::EndsWith("name, ..."));
}

TEST(DistinctLabels, SortsNumbersAsNumbers) {
  EXPECT_THAT(distinct_labels({"10", "9", "-1", "9"}), ElementsAre("-1", "9", "10"));
  EXPECT_THAT(distinct_labels({"10", "9", "b"}), ElementsAre("10", "9", "b"));
  EXPECT_THAT(distinct_labels({"no", "yes", "no"}), ElementsAre("no", "yes"));
}

}  // namespace
}  // namespace bertha
