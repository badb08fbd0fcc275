// Which files are found, in which order, and what they are taken for.
#include "data_pipeline/text/input_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDump = "<mediawiki xmlns=\"x\"></mediawiki>";

std::vector<std::string> names(const std::vector<InputFile>& files,
                               const std::filesystem::path& base) {
  std::vector<std::string> result;
  for (const InputFile& file : files) {
    result.push_back(std::filesystem::relative(file.path, base).string());
  }
  return result;
}

InputFile only(const std::filesystem::path& path) {
  const auto files = find_input_files({.paths = {path.string()}});
  EXPECT_EQ(files.size(), 1u);
  return files.at(0);
}

template <class Action>
void expect_error(ErrorKind kind, const std::string& part, Action action) {
  try {
    action();
    FAIL() << "no error with " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.message();
    EXPECT_THAT(error.message() + error.remedy(), HasSubstr(part));
  }
}

TEST(InputFiles, FoldersAreSortedAndHiddenFilesPassedOver) {
  TemporaryFolder folder;
  for (const char* name : {"b.txt", "a/z.txt", "B.txt", ".hidden.txt", ".git/x.txt", "a.txt"}) {
    folder.write(name, "text");
  }
  const auto files = find_input_files({.paths = {folder.path().string()}});
  EXPECT_THAT(names(files, folder.path()), ElementsAre("B.txt", "a.txt", "a/z.txt", "b.txt"));
  EXPECT_EQ(files[0].bytes, 4u);
}

TEST(InputFiles, AFileNamedTwiceCountsOnce) {
  TemporaryFolder folder;
  folder.write("a.txt", "1");
  folder.write("b.txt", "2");
  const std::string base = folder.path().string();
  const auto files =
      find_input_files({.paths = {base + "/b.txt", base + "/*.txt", base, base + "/./a.txt"}});
  EXPECT_THAT(names(files, folder.path()), ElementsAre("a.txt", "b.txt"));
}

TEST(InputFiles, GlobsMatchAndANameWithBracketsIsAName) {
  TemporaryFolder folder;
  folder.write("x[1].txt", "text");
  folder.write("x1.txt", "text");
  const std::string base = folder.path().string();
  EXPECT_THAT(names(find_input_files({.paths = {base + "/x[1].txt"}}), folder.path()),
              ElementsAre("x[1].txt"));
  EXPECT_THAT(names(find_input_files({.paths = {base + "/x?.txt"}}), folder.path()),
              ElementsAre("x1.txt"));
}

TEST(InputFiles, FormatsByContentAndExtension) {
  TemporaryFolder folder;
  EXPECT_EQ(only(folder.write("a.txt", "{\"text\": 1}")).format, TextFormat::text);
  EXPECT_EQ(only(folder.write("a.jsonl", "")).format, TextFormat::jsonl);
  EXPECT_EQ(only(folder.write("a.sentences", "x")).format, TextFormat::sentences);
  EXPECT_EQ(only(folder.write("plain", "Some text.")).format, TextFormat::text);
  EXPECT_EQ(only(folder.write("records", "\n {\"text\": \"x\"}")).format, TextFormat::jsonl);
  EXPECT_EQ(only(folder.write("dump", kDump)).format, TextFormat::mediawiki);
  EXPECT_EQ(only(folder.write("dump.txt", "\xEF\xBB\xBF<?xml version='1.0'?>\n<mediawiki>")).format,
            TextFormat::mediawiki);
  EXPECT_EQ(only(folder.write("howto.txt", "A dump begins with <mediawiki>.")).format,
            TextFormat::text);
  const std::string utf16("\xFF\xFE<\0m\0e\0d\0i\0a\0w\0i\0k\0i\0>\0", 24);
  EXPECT_EQ(only(folder.write("wide", utf16)).format, TextFormat::mediawiki);
}

TEST(InputFiles, CompressionByFirstBytesThenExtension) {
  TemporaryFolder folder;
  const InputFile dump = only(folder.write("enwiki.xml-p1-shortened.bz2", bzip2(kDump)));
  EXPECT_EQ(dump.compression, Compression::bzip2);
  EXPECT_EQ(dump.format, TextFormat::mediawiki);
  EXPECT_EQ(only(folder.write("a", gzip("text"))).compression, Compression::gzip);
  EXPECT_EQ(only(folder.write("b", zstd("text"))).compression, Compression::zstd);
  EXPECT_EQ(only(folder.write("c.jsonl.gz", gzip("{}"))).format, TextFormat::jsonl);
  EXPECT_EQ(only(folder.write("d.txt", "BZh9 is a magic number")).compression, Compression::none);
  const auto empty = folder.write("e.txt.gz", "");
  expect_error(ErrorKind::bad_data, "e.txt.gz", [&] { only(empty); });
}

TEST(InputFiles, BinaryFilesArePassedOverInFoldersAndRefusedByName) {
  TemporaryFolder folder;
  folder.write("a.txt", "text");
  const auto binary = folder.write("model.bin", std::string("\0\1\2", 3));
  EXPECT_THAT(names(find_input_files({.paths = {folder.path().string()}}), folder.path()),
              ElementsAre("a.txt"));
  expect_error(ErrorKind::bad_data, "model.bin", [&] { only(binary); });
}

TEST(InputFiles, ErrorsNameWhatIsMissing) {
  TemporaryFolder folder;
  const std::string base = folder.path().string();
  expect_error(ErrorKind::io, "/none.txt",
               [&] { find_input_files({.paths = {base + "/none.txt"}}); });
  expect_error(ErrorKind::io, "*.nothing",
               [&] { find_input_files({.paths = {base + "/*.nothing"}}); });
  expect_error(ErrorKind::io, "/dev/null", [&] { find_input_files({.paths = {"/dev/null"}}); });
  expect_error(ErrorKind::bad_data, base, [&] { find_input_files({.paths = {base}}); });
  expect_error(ErrorKind::usage, "input.paths", [&] { find_input_files({}); });
  expect_error(ErrorKind::usage, "jsonl", [&] { parse_text_format("json"); });
}

TEST(InputFiles, FormatNamesGoBothWays) {
  for (const char* name : {"auto", "text", "sentences", "jsonl", "mediawiki"}) {
    EXPECT_EQ(text_format_name(parse_text_format(name)), name);
  }
}

}  // namespace
}  // namespace bertha
