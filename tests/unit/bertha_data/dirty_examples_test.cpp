// Labelled files as they come out of spreadsheets, scrapers and broken exports.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/labelled_encoding.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

class Dirty : public ::testing::Test {
 protected:
  // "text|label|row" by example, or the error's text.
  std::vector<std::string> read(const std::string& name, const std::string& bytes,
                                const LabelledOptions& options = {}) const {
    write_file(folder_.path() / name, bytes);
    std::vector<std::string> lines;
    try {
      for (const auto& row : all_rows(open_labelled_file(folder_.path() / name, options))) {
        lines.push_back(row.text + "|" + row.label + "|" + std::to_string(row.row));
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      return {error.message() + " -> " + error.remedy()};
    }
    return lines;
  }
  EncodedText encode(const std::string& text, int max_length) {
    return encode_text({text, "", "", 1, false}, tokenizer_, max_length, scratch_);
  }

  TestFolder folder_;
  Vocabulary vocabulary_{{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"}, "test"};
  WordPiece tokenizer_{vocabulary_, TokenizerOptions{}};
  WordPiece::Scratch scratch_;
};

TEST_F(Dirty, ByteOrderMarks) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_THAT(read("a.tsv", mark + "text\tlabel\na\tx\n"), ElementsAre("a|x|2"));
  EXPECT_THAT(read("a.csv", mark + "\"text\",\"label\"\na,x\n"), ElementsAre("a|x|2"));
  EXPECT_THAT(read("a.jsonl", mark + "{\"text\": \"a\", \"label\": \"x\"}\n"),
              ElementsAre("a|x|1"));
  EXPECT_THAT(read("a.tsv", "\xFF\xFEt\0e\0x\0t\0"s), ElementsAre(HasSubstr("UTF-16")));
}

TEST_F(Dirty, CarriageReturns) {
  EXPECT_THAT(read("a.tsv", "text\tlabel\r\na\tx\r\n\r\naa\ty\r"), ElementsAre("a|x|2", "aa|y|4"));
  EXPECT_THAT(read("a.csv", "text,label\r\n\"a\r\nb\",x\r\nc,y\r\n"),
              ElementsAre("a\r\nb|x|2", "c|y|4"));
  EXPECT_THAT(read("a.jsonl", "{\"text\": \"a\", \"label\": 1}\r\n"), ElementsAre("a|1|1"));
}

TEST_F(Dirty, QuotedNewlinesKeepLineNumbersRight) {
  EXPECT_THAT(read("a.csv", "text,label\n\"one\n\ntwo\",x\nthree,\n"),
              ElementsAre(AllOf(HasSubstr("a.csv:5: the label is empty (column label)"))));
}

TEST_F(Dirty, MissingLabelsNameFileRowAndColumn) {
  LabelledOptions options;
  options.label_column = "stars";
  EXPECT_THAT(read("test.tsv", "text\tstars\na\t5\nb\t\n", options),
              ElementsAre(AllOf(HasSubstr("test.tsv:3: the label is empty (column stars)"),
                                HasSubstr("predict"))));
  EXPECT_THAT(read("test.tsv", "text\tlabel\na\tx\nb\n"),
              ElementsAre(HasSubstr("test.tsv:3: 1 column(s) where 2 are needed")));
  EXPECT_THAT(read("test.tsv", "text\na\nb\n"),
              ElementsAre(AllOf(HasSubstr("no column 'label'"), HasSubstr("columns are: text"))));
}

TEST_F(Dirty, HeadersTwice) {
  EXPECT_THAT(read("a.tsv", "text\ttext\tlabel\na\tb\tx\n"),
              ElementsAre(AllOf(HasSubstr("a.tsv:1: more than one column is named 'text'"),
                                HasSubstr("--task.text_column"))));
  LabelledOptions options;
  options.text_column = "1";
  EXPECT_THAT(read("a.tsv", "text\ttext\tlabel\na\tb\tx\n", options), ElementsAre("b|x|2"));
  // A column nobody asks for may be there as often as it likes.
  EXPECT_THAT(read("a.tsv", "id\tid\ttext\tlabel\n1\t2\ta\tx\n"), ElementsAre("a|x|2"));
}

TEST_F(Dirty, EmptyTexts) {
  EXPECT_THAT(read("a.tsv", "text\tlabel\n\tx\n  \ty\n"), ElementsAre("|x|2", "  |y|3"));
  EXPECT_THAT(encode("", 16).sequence.tokens, ElementsAre(2, 3));
  EXPECT_THAT(encode(" \t ", 16).sequence.tokens, ElementsAre(2, 3));
}

TEST_F(Dirty, NulBytesAreNoText) {
  EXPECT_THAT(read("a.tsv", "text\tlabel\na\0a\tx\n"s), ElementsAre("a\0a|x|2"s));
  // As BERT's clean-up has it: control characters go, and what they parted is one word.
  EXPECT_THAT(encode("a\0a"s, 16).sequence.tokens, ElementsAre(2, 5, 6, 3));
}

TEST_F(Dirty, InvalidUtf8IsReplacedAndSaid) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(read("a.csv", "text,label\n\"caf\xE9\",x\n"), ElementsAre("caf\xEF\xBF\xBD|x|2"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("a.csv"), HasSubstr("1 byte(s) that are not UTF-8")));
}

TEST_F(Dirty, AHundredThousandCharacters) {
  std::string words;
  for (int i = 0; i < 50'000; ++i) words += "a ";
  const auto rows = read("a.tsv", "text\tlabel\n" + words + "\tx\n");
  ASSERT_EQ(rows.size(), 1U);
  const auto cut = encode(words, 128);
  EXPECT_EQ(cut.sequence.tokens.size(), 128U);
  EXPECT_EQ(cut.lost_tokens, 50'000U - 126);
  // One word of that length is unknown, as in BERT.
  EXPECT_THAT(encode(std::string(100'000, 'a'), 128).sequence.tokens, ElementsAre(2, 1, 3));
}

}  // namespace
}  // namespace bertha
