// Files of words and labels, and the windows that sentences become.
#include "data_pipeline/labelled/tagged_sentences.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_value.h"
#include "data_pipeline/labelled/word_windows.h"
#include "parallel/base/error.h"
#include "parallel/base/philox.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Tagged : public ::testing::Test {
 protected:
  // "line: word/label word/label" by sentence.
  std::vector<std::string> read(const std::string& name, const std::string& bytes,
                                const TaggedOptions& options = {}) const {
    write_file(folder_.path() / name, bytes);
    std::vector<std::string> lines;
    for (const auto& sentence : all_rows(open_tagged_file(folder_.path() / name, options))) {
      auto& line = lines.emplace_back(std::to_string(sentence.line) + ":");
      for (std::size_t i = 0; i < sentence.words.size(); ++i) {
        line += " " + sentence.words[i];
        if (!sentence.labels.empty()) line += "/" + sentence.labels[i];
      }
    }
    return lines;
  }
  std::string fault(const std::string& name, const std::string& bytes,
                    const TaggedOptions& options = {}, ErrorKind kind = ErrorKind::bad_data) const {
    try {
      read(name, bytes, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      return error.message() + " -> " + error.remedy();
    }
    return "no error";
  }
  static TaggedOptions tabs() {
    TaggedOptions options;
    options.delimiter = "tab";
    return options;
  }
  static TaggedOptions to_predict(const std::string& delimiter = "auto") {
    TaggedOptions options;
    options.labelled = false;
    options.delimiter = delimiter;
    return options;
  }

  TestFolder folder_;
};

TEST_F(Tagged, ConllColumns) {
  EXPECT_THAT(read("a.conll", "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\n"),
              ElementsAre("1: EU/B-ORG rejects/O", "4: Peter/B-PER"));
  EXPECT_THAT(read("a.conll",
                   "\xEF\xBB\xBF-DOCSTART- -X- -X- O\r\n\r\nEU NNP B-NP B-ORG\r\n# NN I O\r\n"
                   " \t \r\n\r\n\r\nPeter NNP B-NP B-PER\r\n-DOCSTART- O\r\nhe  PRP\tB-NP   O"),
              ElementsAre("3: EU/B-ORG #/O", "8: Peter/B-PER", "10: he/O"));
  TaggedOptions options;
  options.word_column = "1";
  options.label_column = "0";
  EXPECT_THAT(read("a.txt", "O he x\nB-PER Peter x\n", options),
              ElementsAre("1: he/O Peter/B-PER"));
  options.delimiter = "tab";
  EXPECT_THAT(read("a.txt", "O\tNew York\tx\n", options), ElementsAre("1: New York/O"));
}

TEST_F(Tagged, JsonLines) {
  EXPECT_THAT(read("a.jsonl",
                   "{\"words\": [\"a b\", \"c\"], \"labels\": [\"O\", 3]}\n\n"
                   "{\"words\": [], \"labels\": []}\n"),
              ElementsAre("1: a b/O c/3", "3:"));
  EXPECT_THAT(read("a.json", "{\"words\": [\"a\"]}", to_predict()), ElementsAre("1: a"));
  EXPECT_THAT(fault("a.jsonl", "{\"words\": [\"a\"], \"labels\": []}"),
              HasSubstr("a.jsonl:1: 1 words and 0 labels"));
  EXPECT_THAT(fault("a.jsonl", "{\"words\": \"a\", \"labels\": []}"), HasSubstr("not a list"));
}

TEST_F(Tagged, ToPredictColumnsOrPlainLines) {
  EXPECT_THAT(read("a.txt", "Peter lives in Rome.\n\nHe does\n", to_predict()),
              ElementsAre("1: Peter lives in Rome.", "2:", "3: He does"));
  EXPECT_THAT(read("a.txt", "Peter\nlives\n\nHe\n", to_predict()),
              ElementsAre("1: Peter lives", "4: He"));
  EXPECT_THAT(read("a.txt", "Peter B-PER\nlives O\n", to_predict()), ElementsAre("1: Peter lives"));
  EXPECT_THAT(read("a.txt", "Peter NNP\nlives VBZ\n\nHe PRP\n", to_predict()),
              ElementsAre("1: Peter lives", "4: He"));
  EXPECT_THAT(read("a.txt", "Peter lives\nHe does\n", to_predict()),
              ElementsAre("1: Peter lives", "2: He does"));
  EXPECT_THAT(read("a.txt", "yes\nno\n", to_predict("lines")), ElementsAre("1: yes", "2: no"));
  EXPECT_THAT(read("a.txt", "Peter lives\nHe does\n", to_predict("space")),
              ElementsAre("1: Peter He"));
}

TEST_F(Tagged, FaultsNameFileLineAndColumn) {
  EXPECT_THAT(fault("a.conll", "EU B-ORG\nrejects\n"),
              HasSubstr("a.conll:2: a word without a label (column 0, from 0)"));
  EXPECT_THAT(fault("a.conll", "EU\tB-ORG\nrejects\t\t\n", tabs()),
              HasSubstr("a.conll:2: the label is empty (column 1, from 0)"));
  EXPECT_THAT(fault("a.conll", ""), HasSubstr("holds no sentences"));
  EXPECT_THAT(fault("a.conll", "\n\n-DOCSTART- O\n"), HasSubstr("holds no sentences"));
  TaggedOptions options;
  options.label_column = "3";
  EXPECT_THAT(fault("a.conll", "EU B-ORG\n", options), HasSubstr("none with number 3"));
  options.label_column = "label";
  EXPECT_THAT(fault("a.conll", "EU B-ORG\n", options, ErrorKind::usage), HasSubstr("numbers"));
  options = {};
  options.delimiter = "comma";
  EXPECT_THAT(fault("a.conll", "EU,B-ORG\n", options, ErrorKind::usage), HasSubstr("space"));
  options.delimiter = "lines";
  EXPECT_THAT(fault("a.conll", "EU B-ORG\n", options, ErrorKind::usage), HasSubstr("no labels"));
}

TEST(LabelList, DelimitedOrJson) {
  using List = std::optional<std::vector<std::string>>;
  EXPECT_EQ(parse_label_list(" a, b c ,,a ", ","), (List{{"a", "b c", "a"}}));
  EXPECT_EQ(parse_label_list("", ","), (List{std::vector<std::string>{}}));
  EXPECT_EQ(parse_label_list("a||b", "||"), (List{{"a", "b"}}));
  EXPECT_EQ(parse_label_list("a,b", ""), (List{{"a,b"}}));
  EXPECT_EQ(parse_label_list(R"(["a,b", 2, true, ""])", ","), (List{{"a,b", "2", "true"}}));
  EXPECT_EQ(parse_label_list("[]", ","), (List{std::vector<std::string>{}}));
  EXPECT_EQ(parse_label_list("[[1]]", ","), std::nullopt);
  EXPECT_EQ(parse_label_list("[x]", ","), std::nullopt);
}

class Windows : public ::testing::Test {
 protected:
  Vocabulary vocabulary_{{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"}, "test"};
  WordPiece tokenizer_{vocabulary_, TokenizerOptions{}};
  WordPiece::Scratch scratch_;
};

TEST_F(Windows, FirstPiecesCarryTheirWord) {
  const auto encoded = encode_words({"aa", "\x01", "a"}, tokenizer_, 128, scratch_);
  ASSERT_EQ(encoded.windows.size(), 1U);
  const auto& window = encoded.windows.front();
  EXPECT_THAT(window.tokens, ElementsAre(2, 5, 6, 5, 3));
  EXPECT_THAT(window.segments, ElementsAre(0, 0, 0, 0, 0));
  std::vector<std::int32_t> words;
  for (const auto& origin : window.origins) words.push_back(origin.word);
  EXPECT_THAT(words, ElementsAre(-1, 0, -1, 2, -1));  // nothing is left of a control character
  EXPECT_THAT(encode_words({}, tokenizer_, 128, scratch_).windows, IsEmpty());
  EXPECT_THAT(encode_words({"\x01"}, tokenizer_, 128, scratch_).windows, IsEmpty());
  EXPECT_THROW(encode_words({"a"}, tokenizer_, 2, scratch_), Error);
}

TEST_F(Windows, OverlapByAQuarterAndShareTheMiddle) {
  const auto encoded = encode_words(std::vector<std::string>(14, "a"), tokenizer_, 10, scratch_);
  std::vector<std::vector<std::int32_t>> words;
  for (const auto& window : encoded.windows) {
    auto& row = words.emplace_back();
    for (const auto& origin : window.origins) row.push_back(origin.word);
  }
  EXPECT_THAT(words, ElementsAre(ElementsAre(-1, 0, 1, 2, 3, 4, 5, 6, -1, -1),
                                 ElementsAre(-1, -1, 7, 8, 9, 10, 11, 12, 13, -1)));
}

// Whatever the lengths of words and windows: each word is answered for once, at its first piece.
TEST_F(Windows, EveryWordIsInOneWindow) {
  Philox random(1, RandomPurpose::labelled_split, 0);
  for (int round = 0; round < 3000; ++round) {
    const auto most = 1 + random.next_below(12);
    std::vector<std::string> words(random.next_below(30));
    std::size_t lost = 0;
    for (auto& word : words) {
      word.assign(1 + random.next_below(random.next_below(2) ? 3 : 14), 'a');
      lost += word.size() - std::min<std::size_t>(word.size(), most);
    }
    const auto encoded = encode_words(words, tokenizer_, static_cast<int>(most) + 2, scratch_);
    EXPECT_EQ(encoded.lost_tokens, lost);
    std::int32_t next = 0;
    for (const auto& window : encoded.windows) {
      EXPECT_LE(window.tokens.size(), most + 2);
      ASSERT_EQ(window.origins.size(), window.tokens.size());
      for (std::size_t i = 0; i < window.origins.size(); ++i) {
        if (window.origins[i].word < 0) continue;
        EXPECT_EQ(window.origins[i].word, next++);
        EXPECT_EQ(window.tokens[i], 5);
      }
    }
    ASSERT_EQ(next, static_cast<std::int32_t>(words.size()));
  }
}

}  // namespace
}  // namespace bertha
