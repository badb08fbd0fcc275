// Plain text, sentences and JSON lines as documents.
#include "data_pipeline/text/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextDocuments, BlankLinesPartParagraphs) {
  TemporaryFolder folder;
  const auto result = read_documents(
      folder.write("a.txt", "\xEF\xBB\xBFOne\r\n two.\r\n \t\r\n\r\nThree.\n\xE3\x80\x80\nFour"));
  ASSERT_EQ(result.documents.size(), 1u);
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("One two.", "Three.", "Four"));
  EXPECT_FALSE(result.documents[0].already_sentences);
  EXPECT_EQ(result.statistics.documents, 1u);
}

TEST(TextDocuments, InvalidBytesAreReplacedAndCounted) {
  TemporaryFolder folder;
  const auto result = read_documents(folder.write("a.txt", "caf\xE9 \xE2\x82 x"));
  EXPECT_THAT(result.documents.at(0).paragraphs, ElementsAre("caf\xEF\xBF\xBD \xEF\xBF\xBD x"));
  EXPECT_EQ(result.statistics.replaced_bytes, 3u);
}

TEST(TextDocuments, EmptyAndBlankFilesAreCounted) {
  TemporaryFolder folder;
  for (const char* content : {"", "\n\n \n"}) {
    const auto result = read_documents(folder.write("a.txt", content));
    EXPECT_TRUE(result.documents.empty());
    EXPECT_EQ(result.statistics.skipped_empty, 1u);
  }
}

TEST(TextDocuments, AHugeLineIsCutBetweenCharacters) {
  TemporaryFolder folder;
  std::string line = "x";
  for (int i = 0; i < 1000000; ++i) line += "\xE2\x82\xAC";
  const auto result = read_documents(folder.write("a.txt", line + "\nend"));
  ASSERT_EQ(result.documents.size(), 1u);
  std::string joined;
  for (const std::string_view paragraph : result.documents[0].paragraphs) {
    EXPECT_LE(paragraph.size(), std::size_t{1} << 20);
    joined += paragraph;
  }
  EXPECT_EQ(joined, line + " end");
  EXPECT_EQ(result.statistics.replaced_bytes, 0u);
}

TEST(TextDocuments, ALongFileComesInParts) {
  TemporaryFolder folder;
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20000; ++i) {
    expected.push_back("Paragraph " + std::to_string(i) + ". Second line.");
    text += "Paragraph " + std::to_string(i) + ".\nSecond line.\n\n \n";
  }
  const auto files = find_input_files({.paths = {folder.write("a.txt", text).string()}});
  const auto reader = open_documents(files.at(0), "text");
  std::vector<std::string> found;
  std::size_t parts = 0;
  bool ends = false;
  for (Document document; reader->next(document); ++parts) {
    EXPECT_FALSE(ends);  // only the last one does
    ends = document.ends;
    EXPECT_EQ(document.number, 0u);
    EXPECT_FALSE(document.paragraphs.empty());
    found.insert(found.end(), document.paragraphs.begin(), document.paragraphs.end());
  }
  EXPECT_TRUE(ends);
  EXPECT_GT(parts, 3u);
  EXPECT_TRUE(found == expected);
  EXPECT_EQ(reader->statistics().documents, 1u);
}

TEST(SentenceDocuments, ABlankLineEndsADocument) {
  TemporaryFolder folder;
  const auto result = read_documents(
      folder.write("a.txt", "\n\nOne.\r\n  Two. Still two.\n\n\n\t\nThree\xE2\x80\xA8still three"),
      TextFormat::sentences);
  ASSERT_EQ(result.documents.size(), 2u);
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("One.", "Two. Still two."));
  EXPECT_THAT(result.documents[1].paragraphs, ElementsAre("Three\xE2\x80\xA8still three"));
  EXPECT_TRUE(result.documents[0].already_sentences);
  EXPECT_EQ(result.documents[1].number, 1u);
  EXPECT_EQ(result.statistics.skipped_empty, 0u);
}

TEST(JsonlDocuments, ReadsTheFieldAndItsParagraphs) {
  TemporaryFolder folder;
  const auto result = read_documents(folder.write(
      "a.jsonl",
      "{\"id\": 1, \"meta\": {\"text\": \"inner\"}, \"text\": \"One\\ntwo.\\n\\nThree \\u00e9\"}\n"
      "\r\n"
      "{\"text\": \"line\xE2\x80\xA8separator\", \"tail\": [1, {\"text\": 2}]}\r\n"
      "{\"text\": \"first\", \"text\": \"last counts\"}"));
  ASSERT_EQ(result.documents.size(), 3u);
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("One two.", "Three \xC3\xA9"));
  EXPECT_THAT(result.documents[1].paragraphs, ElementsAre("line\xE2\x80\xA8separator"));
  EXPECT_THAT(result.documents[2].paragraphs, ElementsAre("last counts"));
  EXPECT_EQ(result.statistics.skipped_malformed, 0u);
}

TEST(JsonlDocuments, MalformedLinesAreCountedAndTheFirstIsNamed) {
  TemporaryFolder folder;
  const auto path = folder.write("a.jsonl",
                                 "{\"text\": \"good\"}\n"
                                 "{\"text\": \n"
                                 "[\"text\", \"x\"]\n"
                                 "\"text\"\n"
                                 "{\"body\": \"x\"}\n"
                                 "{\"text\": 5}\n"
                                 "{\"text\": \"x\", \"text\": null}\n"
                                 "{\"text\": \"x\"} {\"text\": \"y\"}\n"
                                 "{\"text\": \"  \"}\n");
  const auto result = read_documents(path);
  EXPECT_EQ(result.documents.size(), 1u);
  EXPECT_EQ(result.statistics.skipped_malformed, 7u);
  EXPECT_EQ(result.statistics.malformed_not_json, 4u);
  EXPECT_EQ(result.statistics.malformed_without_field, 1u);
  EXPECT_EQ(result.statistics.malformed_not_text, 2u);
  EXPECT_EQ(result.statistics.malformed_too_long, 0u);
  EXPECT_EQ(result.statistics.skipped_empty, 1u);
  EXPECT_THAT(result.statistics.first_malformed, HasSubstr(path.string() + ":2: no JSON"));
}

TEST(JsonlDocuments, AFileOfNothingElseIsBadData) {
  TemporaryFolder folder;
  const auto path = folder.write("a.jsonl", "{\"body\": \"x\"}\n{\"body\": \"y\"}\n");
  EXPECT_EQ(read_documents(path, TextFormat::jsonl, "body").documents.size(), 2u);
  try {
    read_documents(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), HasSubstr("a.jsonl:1: no field \"text\""));
    EXPECT_THAT(error.remedy(), HasSubstr("input.text_field"));
  }
  EXPECT_EQ(read_documents(folder.write("b.jsonl", "")).statistics.skipped_empty, 1u);
}

// Python's json writes half of a surrogate pair without complaint.
TEST(JsonlDocuments, LoneSurrogatesBecomeReplacementCharacters) {
  TemporaryFolder folder;
  const auto result = read_documents(
      folder.write("a.jsonl", "{\"text\": \"a\\ud83dz \\ude00 \\ud83d\\ude00 \\\\ud83d\"}\n"));
  EXPECT_THAT(result.documents.at(0).paragraphs,
              ElementsAre("a\xEF\xBF\xBDz \xEF\xBF\xBD \xF0\x9F\x98\x80 \\ud83d"));
  EXPECT_EQ(result.statistics.replaced_bytes, 12u);  // both escapes, as written
}

TEST(JsonlDocuments, ReplacedBytesAndEscapesAddUpOverTheFile) {
  TemporaryFolder folder;
  const auto result = read_documents(folder.write("a.jsonl",
                                                  "{\"text\": \"a\\ud800b\"}\n"
                                                  "{\"text\": \"c\xE9\"}\n"
                                                  "{\"id\": \"\\uDFFF\", \"text\": \"d\"}\n"
                                                  "{\"text\": \"\\ud83d\\ude00\"}\n"));
  EXPECT_EQ(result.documents.size(), 4u);
  EXPECT_EQ(result.statistics.replaced_bytes, 6u + 1 + 6);
}

TEST(JsonlDocuments, ALineOverTheLimitIsSkippedAndReadingGoesOn) {
  TemporaryFolder folder;
  std::string content = "{\"text\": \"" + std::string(std::size_t{65} << 20, 'x') + "\"}\n";
  content += "{\"text\": \"after\"}\n";
  const auto path = folder.write("a.jsonl.zst", zstd(content));
  const auto result = read_documents(path);
  ASSERT_EQ(result.documents.size(), 1u);
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("after"));
  EXPECT_EQ(result.statistics.skipped_malformed, 1u);
  EXPECT_EQ(result.statistics.malformed_too_long, 1u);
  EXPECT_THAT(result.statistics.first_malformed, HasSubstr(":1: longer than 64 MiB"));
}

TEST(JsonlDocuments, DeepNestingIsNoStackOverflow) {
  TemporaryFolder folder;
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  const auto result = read_documents(folder.write(
      "a.jsonl", "{\"x\": " + deep + ", \"text\": \"ok\"}\n" + std::string(999999, '{')));
  EXPECT_EQ(result.documents.size(), 1u);
  EXPECT_EQ(result.statistics.skipped_malformed, 1u);
}

TEST(ReadStatistics, AddsUp) {
  ReadStatistics sum, one{.documents = 2, .replaced_bytes = 3, .first_malformed = "a:1: x"};
  sum.add(one);
  one.first_malformed = "b:1: y";
  sum.add(one);
  EXPECT_EQ(sum.documents, 4u);
  EXPECT_EQ(sum.replaced_bytes, 6u);
  EXPECT_EQ(sum.first_malformed, "a:1: x");
}

}  // namespace
}  // namespace bertha
