// Dumps cut between pages: the parts give the documents of the whole.
#include "data_pipeline/text/dump_parts.h"

#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/text/document_cuts.h"
#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHead[] =
    "<mediawiki version=\"0.10\">\n  <siteinfo>\n    <namespaces>\n"
    "      <namespace key=\"0\" />\n      <namespace key=\"6\">Bestanden\xff</namespace>\n"
    "    </namespaces>\n  </siteinfo>\n";
constexpr char kEnd[] = "</mediawiki>\n";

// As MediaWiki writes them; text of random words, with a file link that only the head explains.
std::string page_of(int number, std::mt19937& random) {
  std::string text = "[[Bestanden\xEF\xBF\xBD:x.jpg|hidden]] ";
  for (int word = 0; word < 200; ++word) text += fmt::format("w{:x} ", random());
  return fmt::format(
      "  <page>\n    <title>T{}</title>\n    <ns>0</ns>\n    <revision>\n      <text>{} "
      "&lt;page&gt;"
      "</text>\n    </revision>\n  </page>\n",
      number, text);
}

std::vector<std::string> pages(int count) {
  std::mt19937 random(3);
  std::vector<std::string> all;
  for (int number = 0; number < count; ++number) all.push_back(page_of(number, random));
  return all;
}

std::string plain_dump(const std::vector<std::string>& pages) {
  std::string dump = kHead;
  for (const auto& page : pages) dump += page;
  return dump + kEnd;
}

// Ten pages a stream; head and end are streams, too.
std::string multistream_dump(const std::vector<std::string>& pages) {
  std::string dump = bzip2(kHead), group;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    group += pages[i];
    if (i % 10 == 9 || i + 1 == pages.size()) dump += bzip2(std::exchange(group, {}));
  }
  return dump + bzip2(kEnd);
}

InputFile file_of(const std::filesystem::path& path) {
  return find_input_files({.paths = {path.string()}, .format = TextFormat::mediawiki}).at(0);
}

ReadResult read_part(InputFile file, std::uint64_t begin, std::uint64_t end) {
  file.begin = begin;
  file.end = end;
  ReadResult result;
  const auto reader = open_documents(file, "text");
  for (Document document; reader->next(document);) result.documents.push_back(document);
  result.statistics = reader->statistics();
  return result;
}

void expect_parts_give_the_whole(const std::filesystem::path& path, std::size_t least_cuts) {
  const InputFile file = file_of(path);
  const auto whole = read_part(file, 0, UINT64_MAX);
  ASSERT_EQ(whole.documents.size(), 200u);
  EXPECT_EQ(whole.statistics.replaced_bytes, 1u);
  auto cuts = find_document_cuts(file, 20'000);
  EXPECT_GE(cuts.size(), least_cuts);
  cuts.push_back(file.bytes);
  std::uint64_t begin = 0, replaced = 0;
  std::size_t number = 0;
  for (const std::uint64_t end : cuts) {
    const auto part = read_part(file, begin, end);
    replaced += part.statistics.replaced_bytes;
    for (const Document& document : part.documents) {
      const Document& expected = whole.documents.at(number++);
      EXPECT_EQ(document.title, expected.title);
      EXPECT_EQ(document.paragraphs, expected.paragraphs);
      EXPECT_THAT(document.paragraphs[0], ::testing::Not(HasSubstr("hidden")));
    }
    begin = end;
  }
  EXPECT_EQ(number, whole.documents.size());
  EXPECT_EQ(replaced, 1u);  // the head counts once, although every part reads it
}

TEST(DumpParts, OfAPlainDump) {
  TemporaryFolder folder;
  expect_parts_give_the_whole(folder.write("dump.xml", plain_dump(pages(200))), 10);
}

TEST(DumpParts, OfAMultistreamDump) {
  TemporaryFolder folder;
  expect_parts_give_the_whole(folder.write("dump.xml.bz2", multistream_dump(pages(200))), 8);
}

TEST(DumpParts, NoneWhereAPageIsCutOrTheHeadIsMissing) {
  TemporaryFolder folder;
  const std::string dump = plain_dump(pages(200));
  const auto cuts_of = [&](const std::string& name, const std::string& bytes) {
    return find_document_cuts(file_of(folder.write(name, bytes)), 20'000);
  };
  EXPECT_THAT(cuts_of("one.xml.bz2", bzip2(dump)), IsEmpty());
  std::string blind;  // as programs that compress with several threads cut
  for (std::size_t at = 0; at < dump.size(); at += 25'001) blind += bzip2(dump.substr(at, 25'001));
  EXPECT_THAT(cuts_of("blind.xml.bz2", blind), IsEmpty());
  EXPECT_THAT(cuts_of("gzip.xml.gz", gzip(dump)), IsEmpty());
  EXPECT_THAT(cuts_of("headless.xml", "<mediawiki>\n" + dump.substr(sizeof kHead - 1)), IsEmpty());
  EXPECT_THAT(cuts_of("cut.xml.bz2", multistream_dump(pages(200)).substr(0, 40)), IsEmpty());
}

TEST(DumpParts, FaultsSayWhere) {
  TemporaryFolder folder;
  std::string dump = plain_dump(pages(200));
  const auto fault = dump.find("<title>T150<");
  dump.replace(fault, 7, "<title<");
  const InputFile file = file_of(folder.write("dump.xml", dump));
  const auto begin = dump.find("  <page>\n    <title>T149<");
  try {
    read_part(file, begin, file.bytes);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), HasSubstr(fmt::format("dump.xml: line 9 behind byte {}", begin)));
  }
}

}  // namespace
}  // namespace bertha
