// Large records: one at a time over all readers, and bounded in memory whatever they hold.
#include "data_pipeline/text/large_records.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/paragraph_builder.h"
#include "data_pipeline/text/wikitext_cleanup.h"
#include "sample_files.h"

namespace bertha {
namespace {

std::string repeat(const std::string& part, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += part;
  return text;
}

// A record that is large, and a small one.
struct Form {
  std::string name;
  TextFormat format;
  std::string content;
};

std::vector<Form> forms() {
  const auto large = repeat("Some words of it. ", kLargeRecordBytes + 100'000);
  const std::string page = "<page><title>t</title><ns>0</ns><revision><text>";
  return {
      {"lines.jsonl", TextFormat::jsonl, "{\"text\": \"" + large + "\"}\n{\"text\": \"Small.\"}\n"},
      {"sentences.txt", TextFormat::sentences,
       repeat("Some words of it.\n", kLargeRecordBytes + 100'000) + "\nSmall.\n"},
      {"dump.xml", TextFormat::mediawiki,
       "<mediawiki>" + page + large + "</text></revision></page>" + page +
           "Small.</text></revision></page></mediawiki>"}};
}

InputFile input(const std::filesystem::path& path, TextFormat format) {
  return find_input_files({.paths = {path.string()}, .format = format}).at(0);
}

TEST(LargeRecords, AreHeldByOneReaderAtATime) {
  const TemporaryFolder folder;
  for (const auto& form : forms()) {
    SCOPED_TRACE(form.name);
    const auto file = input(folder.write(form.name, form.content), form.format);
    LargeRecords shared;
    const auto first = open_documents(file, "text", &shared);
    const auto second = open_documents(file, "text", &shared);
    Document document;
    ASSERT_TRUE(first->next(document));
    ASSERT_GT(document.paragraphs.size(), 3u);
    std::atomic<bool> free_again{false};
    std::jthread other([&] {
      Document its;
      EXPECT_TRUE(second->next(its));
      EXPECT_TRUE(free_again);
      EXPECT_TRUE(second->next(its));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // time to go wrong in
    free_again = true;
    ASSERT_TRUE(first->next(document));
    ASSERT_EQ(document.paragraphs.size(), 1u);
    EXPECT_EQ(document.paragraphs[0], "Small.");
  }
}

TEST(LargeRecords, SmallOnesDoNotWait) {
  const TemporaryFolder folder;
  const auto large = forms()[0];
  const auto small = folder.write("small.jsonl", "{\"text\": \"A.\"}\n{\"text\": \"B.\"}\n");
  LargeRecords shared;
  const auto first =
      open_documents(input(folder.write(large.name, large.content), large.format), "text", &shared);
  const auto second = open_documents(input(small, TextFormat::jsonl), "text", &shared);
  Document held, document;
  ASSERT_TRUE(first->next(held));
  EXPECT_TRUE(second->next(document));
  EXPECT_TRUE(second->next(document));
  EXPECT_FALSE(second->next(document));
}

TEST(LargeRecords, WideWindowsAreOpenOneAtATime) {
  const TemporaryFolder folder;
  const auto wide = input(folder.write("wide.zst", zstd_with_window("A.\n", 24)), TextFormat::text);
  const auto usual =
      input(folder.write("usual.zst", zstd_with_window("A.\n", 23)), TextFormat::text);
  LargeRecords shared;
  auto first = open_documents(wide, "text", &shared);
  Document document;
  EXPECT_TRUE(open_documents(usual, "text", &shared)->next(document));  // does not wait
  EXPECT_TRUE(open_documents(wide, "text")->next(document));            // nobody to wait for
  std::atomic<bool> closed{false};
  std::jthread other([&] {
    const auto second = open_documents(wide, "text", &shared);
    EXPECT_TRUE(closed);
    Document its;
    EXPECT_TRUE(second->next(its));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // time to go wrong in
  EXPECT_TRUE(first->next(document));
  closed = true;
  first.reset();
  other.join();
  first = open_documents(wide, "text", &shared);
  std::jthread stopped([&] { open_documents(wide, "text", &shared); });
  shared.stop();
}

TEST(LargeRecords, NobodyWaitsOnceStopped) {
  LargeRecords shared;
  LargeRecordTurn first(&shared), second(&shared);
  first.hold(kLargeRecordBytes + 1);
  std::jthread other([&] { second.hold(kLargeRecordBytes + 1); });
  shared.stop();
  other.join();
  EXPECT_TRUE(second.held());
}

// Millions of tiny paragraphs would take a multiple of their text.
TEST(LargeRecords, ParagraphsAreBoundedInMemory) {
  Paragraphs paragraphs;
  ParagraphBuilder builder(paragraphs);
  const std::size_t most = (kMaximumDocumentBytes + kMaximumParagraphBytes) / kParagraphBytes + 2;
  std::size_t letters = 0;
  for (; letters < most + 1000; ++letters) {
    builder.add_line("a");
    builder.add_line("");
  }
  EXPECT_LT(paragraphs.size(), most);
  std::size_t found = 0;
  for (const auto& paragraph : paragraphs) found += (paragraph.size() + 1) / 2;
  EXPECT_EQ(found, letters);
}

TEST(LargeRecords, ParagraphsAreCut) {
  const std::string words = repeat("word ", 3 << 20), letters = repeat("\xD0\xB4", 3 << 20);
  for (const auto& text : {words, letters}) {
    Paragraphs of_line;
    ParagraphBuilder(of_line).add_line(text);
    EXPECT_GE(of_line.size(), 3u);
    std::string joined;
    for (const auto& paragraph : of_line) {
      EXPECT_LE(paragraph.size(), kMaximumParagraphBytes);
      joined += paragraph;
      if (text == words) joined += ' ';
    }
    EXPECT_TRUE(joined == text);
    EXPECT_TRUE(tidy_paragraphs(text) == of_line);
  }
}

}  // namespace
}  // namespace bertha
