// Comments in files of words, and labels of two kinds.
#include "data_pipeline/labelled/label_scheme.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/tagged_sentences.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Words : public ::testing::Test {
 protected:
  // "line: word/label word/label; ..." or the error.
  std::string read(const std::string& bytes, const TaggedOptions& options = {},
                   const std::string& name = "a.conll") {
    write_file(folder_.path() / name, bytes);
    ::testing::internal::CaptureStderr();
    std::string result;
    try {
      for (const auto& sentence : all_rows(open_tagged_file(folder_.path() / name, options))) {
        result += (result.empty() ? "" : "; ") + std::to_string(sentence.line) + ":";
        for (std::size_t i = 0; i < sentence.words.size(); ++i) {
          result += " " + sentence.words[i];
          if (!sentence.labels.empty()) result += "/" + sentence.labels[i];
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      result = error.message() + " -> " + error.remedy();
    }
    log_ = ::testing::internal::GetCapturedStderr();
    return result;
  }
  static TaggedOptions delimited(const std::string& delimiter, bool labelled = true) {
    TaggedOptions options;
    options.delimiter = delimiter;
    options.labelled = labelled;
    return options;
  }

  TestFolder folder_;
  std::string log_;
};

TEST_F(Words, CommentsBeforeASentenceArePassedOver) {
  const std::string file =
      "# newdoc id = 7\r\n# sent_id = 1\r\nbad O\r\ntea B-tea\r\n\r\n# text = it is good\r\n"
      "it O\r\n";
  EXPECT_EQ(read(file), "3: bad/O tea/B-tea; 7: it/O");
  EXPECT_EQ(read(file, delimited("auto", false)), "3: bad tea; 7: it");
  // As many columns as the words have: the "=" tells.
  EXPECT_EQ(read("# sent_id = 1\na NN I O\n# NN I O\n\n# text = two\nb NN I O\n"),
            "2: a/O #/O; 6: b/O");
  EXPECT_EQ(read("# sent_id = 1\nNew York\tB-x\n\n# two words\nRome\tB-x\n", delimited("tab")),
            "2: New York/B-x; 5: Rome/B-x");
  EXPECT_EQ(read("a O\n\n# the end of it\n"), "1: a/O");
}

TEST_F(Words, SignsOfANumberAreWords) {
  EXPECT_EQ(read("# O\n1 O\n\n# B-x\n"), "1: #/O 1/O; 4: #/B-x");
  EXPECT_EQ(read("#\tO\n#tag\tB-x\n"), "1: #/O #tag/B-x");
  EXPECT_EQ(read("a O\n# sent_id = 1\n"), "1: a/O #/1");
  // Of one column, or plain sentences.
  EXPECT_EQ(read("# two\none\n", delimited("space", false)), "1: # one");
  EXPECT_EQ(read("# a title of it\nPeter\nlives\n", delimited("auto", false)),
            "1: # a title of it; 2: Peter; 3: lives");
}

TEST_F(Words, LabelsOfTwoKindsAreRefused) {
  EXPECT_THAT(read("# sent = 1\nbad O\ntea B-tea\n\ngood o\n"),
              AllOf(HasSubstr("a.conll:5: label 'o' is neither O nor"),
                    HasSubstr("as 'B-tea' of line 3 is")));
  EXPECT_THAT(read("bad o\ntea B-tea\n"), HasSubstr("a.conll:1: label 'o'"));
  EXPECT_THAT(read("tea B-tea\ncup b-tea\n"), HasSubstr("a.conll:2: label 'b-tea'"));
  EXPECT_THAT(read("{\"words\": [\"a\", \"b\"], \"labels\": [\"S-x\", \"NN\"]}\n", {}, "a.jsonl"),
              HasSubstr("a.jsonl:1: label 'NN'"));
  EXPECT_EQ(read("bad o\ntea B-tea\n", delimited("space", false)), "1: bad tea");
}

TEST_F(Words, OfEntitiesOrOfClassesAlone) {
  EXPECT_EQ(read("a B-x\nb I-x\nc E-y\nd S-y\ne L-x\nf U-x\ng O\nh B\n"),
            "1: a/B-x b/I-x c/E-y d/S-y e/L-x f/U-x g/O h/B");
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(read("he O\ncame VBD\n\nand CC\n"), "1: he/O came/VBD; 4: and/CC");
  EXPECT_THAT(log_, AllOf(HasSubstr("a.conll:2: label 'VBD'"), HasSubstr("--task.metric accuracy"),
                          Not(HasSubstr("'CC'"))));
}

}  // namespace
}  // namespace bertha
