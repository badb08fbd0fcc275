// Rows of every format come one by one out of a pipe that stays open, the same as out of a file. A
// reader that wanted more than is there would wait for ever.
#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/question_reader.h"
#include "data_pipeline/labelled/tagged_sentences.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "parallel/base/unique_handle.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A named pipe whose writing end is this test's.
class Pipe {
 public:
  explicit Pipe(const std::filesystem::path& path) {
    std::filesystem::remove(path);
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    writer_ = Handle(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // alone it would wait for a reader
  }
  void write(const std::string& bytes) const {
    ASSERT_LT(bytes.size(), 60'000U) << "more than a pipe holds";
    ASSERT_EQ(::write(writer_.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  void close() { writer_.reset(); }

 private:
  using Handle = UniqueHandle<int, ::close, -1>;
  Handle writer_;
};

// A row as text, or nothing at the end.
using Rows = std::function<std::optional<std::string>()>;
using Open = std::function<Rows(const std::filesystem::path&)>;

template <class Row>
Rows shown(RowSource<Row> next, std::string (*show)(const Row&)) {
  return [next = std::move(next), show]() -> std::optional<std::string> {
    const auto row = next();
    return row ? std::optional(show(*row)) : std::nullopt;
  };
}

Open examples(bool labelled, const std::string& pair_column = "") {
  LabelledOptions options;
  options.labelled = labelled;
  options.pair_column = pair_column;
  return [options](const std::filesystem::path& path) {
    return shown<Example>(open_labelled_file(path, options), [](const Example& row) {
      return fmt::format("{}: {}|{}|{}", row.row, row.text, row.has_pair ? row.pair : "-",
                         row.label);
    });
  };
}

Open sentences(bool labelled, const std::string& delimiter = "auto",
               const std::string& word_column = "") {
  TaggedOptions options;
  options.labelled = labelled;
  options.delimiter = delimiter;
  options.word_column = word_column;
  return [options](const std::filesystem::path& path) {
    return shown<TaggedSentence>(open_tagged_file(path, options), [](const TaggedSentence& row) {
      return fmt::format("{}: {}|{}", row.line, fmt::join(row.words, " "),
                         fmt::join(row.labels, " "));
    });
  };
}

Rows questions(const std::filesystem::path& path) {
  return shown<Question>(open_question_file(path, false), [](const Question& row) {
    return fmt::format("{}: {}|{}", row.id, row.text, *row.context);
  });
}

struct Format {
  std::string name;  // of the file
  Open open;
  std::string head, row;             // what comes before rows; one, with {} for its number
  std::string bad = {}, fault = {};  // a row, and what is said of it

  std::string text_of(int begin, int end) const {
    auto text = begin == 0 ? head : "";
    for (int i = begin; i < end; ++i) text += fmt::format(fmt::runtime(row), i);
    return text;
  }
};

std::vector<Format> formats() {
  return {
      {"new.txt", examples(false), "", "text, number {}\n"},
      {"new.tsv", examples(false), "id\ttext\n", "{0}\ttext \"{0}\"\r\n", "1\t2\t3\n",
       "3 column(s) where the first row has 2"},
      {"new.csv", examples(false, "more"), "more,text\n", "b{0},\"text,\n\n\"\"{0}\"\"\"\n",
       "\"a\" b,c\n", "text behind a closing quote (column 0, from 0)"},
      {"new.jsonl", examples(false), "", "{{\"text\": \"text {}\"}}\n", "{\"text\": 1}\n",
       "field 'text' is number, not a string"},
      {"labelled.tsv", examples(true), "\n\n", "text {0}\tlabel {0}\n\n", "text\t \n",
       "the label is empty (column label)"},
      {"labelled", examples(true), "", "text {0},label {0}\n", "text\n",
       "1 column(s) where 2 are needed"},
      {"labelled.json", sentences(true), "",
       "{{\"words\": [\"a\", \"b\"], \"labels\": [{0}, \"O\"]}}\n", "[]\n",
       "array instead of an object"},
      {"plain.txt", sentences(false, "lines"), "", "sentence number {}\n"},
      {"labelled.conll", sentences(true), "-DOCSTART- O\n", "Peter NNP B-PER\nhad VBD I-{}\n\n",
       "Peter\n", "a word without a label (column 0, from 0)"},
      {"words.conll", sentences(false, "space", "1"), "", "x Peter{}\nx had\n\n", "x\n",
       "1 column(s); there is none with number 1"},
      {"new.json", questions, "\n", "{{\"question\": \"q {}\", \"context\": \"c\"}}\n",
       "{\"question\": \"q\"}\n", "no field 'context'; the fields are: question"},
  };
}

class RowsOfAPipe : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& bytes) const {
    std::filesystem::remove(folder_.path() / name);
    write_file(folder_.path() / name, bytes);
    return folder_.path() / name;
  }
  std::vector<std::string> whole(const Format& format, const std::string& bytes) const {
    std::vector<std::string> rows;
    const auto next = format.open(file(format.name, bytes));
    while (auto row = next()) rows.push_back(*row);
    return rows;
  }
  static std::string fault_of(const Rows& next) {
    try {
      next();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return error.message();
    }
    return "no error";
  }

  TestFolder folder_;
};

// As many rows as were written can be had, whatever comes later; together they are the file's.
TEST_F(RowsOfAPipe, ComeAsTheyAreWritten) {
  constexpr int kRows = 21;
  for (const auto& format : formats()) {
    const auto expected = whole(format, format.text_of(0, kRows));
    ASSERT_EQ(expected.size(), static_cast<std::size_t>(kRows));
    for (const int at_once : {1, 2, 7}) {
      SCOPED_TRACE(format.name + " " + std::to_string(at_once));
      Pipe pipe(folder_.path() / format.name);
      Rows next;
      std::vector<std::string> rows;
      for (int begin = 0; begin < kRows; begin += at_once) {
        const auto end = std::min(begin + at_once, kRows);
        pipe.write(format.text_of(begin, end));
        if (!next) next = format.open(folder_.path() / format.name);
        for (int i = begin; i < end; ++i) rows.push_back(next().value_or("none"));
      }
      pipe.close();
      EXPECT_EQ(next(), std::nullopt);
      EXPECT_EQ(rows, expected);
    }
  }
}

// Rows before a bad one are given; it is named by its line, however many came before.
TEST_F(RowsOfAPipe, NameTheLineOfALateFault) {
  constexpr int kRows = 5000;
  for (const auto& format : formats()) {
    if (format.bad.empty()) continue;
    SCOPED_TRACE(format.name);
    const auto good = format.text_of(0, kRows);
    const auto line = 1 + std::count(good.begin(), good.end(), '\n');
    const auto path = file(format.name, good + format.bad + format.text_of(1, 2));
    const auto next = format.open(path);
    for (int i = 0; i < kRows; ++i) ASSERT_TRUE(next());
    EXPECT_EQ(fault_of(next), fmt::format("{}:{}: {}", path.string(), line, format.fault));
  }
}

TEST_F(RowsOfAPipe, EndWithoutALineEndOrWithAnother) {
  for (const auto& format : formats()) {
    SCOPED_TRACE(format.name);
    const auto text = format.text_of(0, 3);
    const auto expected = whole(format, text);
    ASSERT_EQ(expected.size(), 3U);
    EXPECT_EQ(whole(format, text.substr(0, text.find_last_not_of("\r\n") + 1)), expected);
    if (!format.name.ends_with(".csv")) {  // where they would be text
      std::string windows;
      for (const char c : text) windows += c == '\n' ? "\r\n" : c == '\r' ? "" : std::string(1, c);
      EXPECT_EQ(whole(format, windows), expected);
    }
    EXPECT_THAT(fault_of(format.open(file(format.name, ""))),
                AllOf(HasSubstr(format.name), HasSubstr("holds no ")));
  }
}

// Two lines of different widths are text, whatever follows; -DOCSTART- stands before words only.
TEST_F(RowsOfAPipe, TellTextFromWordsByWhatIsThere) {
  const auto path = folder_.path() / "new.txt";
  const auto open = sentences(false);
  {
    const Pipe pipe(path);
    pipe.write("Peter had tea .\nHe too\n");
    const auto next = open(path);
    EXPECT_EQ(next(), "1: Peter had tea .|");
    EXPECT_EQ(next(), "2: He too|");
  }
  const Pipe pipe(path);
  pipe.write("-DOCSTART- O\n\nPeter NNP\nhad\n\n");
  EXPECT_EQ(open(path)(), "3: Peter had|");
}

// What the beginning of a pipe was taken for has to hold: it is not read twice, as a file is.
TEST_F(RowsOfAPipe, SayWhereTextFollowsWords) {
  std::string late;
  for (int i = 0; i < 20'000; ++i) late += i % 10 == 9 ? "\n" : "word\n";
  late += "two words\n";
  const auto open = sentences(false);
  EXPECT_EQ(open(file("new.txt", late))(), "1: word|");
  const auto path = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::jthread writer([&] { std::ofstream(path) << late; });
  const auto next = open(path);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(next(), fmt::format("{}: word word word word word word word word word|", 10 * i + 1));
  }
  EXPECT_THAT(fault_of(next),
              HasSubstr("pipe:20001: 2 column(s) where all lines before have 1; they were taken"));
}

}  // namespace
}  // namespace bertha
