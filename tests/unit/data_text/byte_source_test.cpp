// Decompression: concatenated parts, and every way a file can be cut short or damaged.
#include "data_pipeline/text/byte_source.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

using ::testing::HasSubstr;

std::string read_all(const InputFile& file, std::size_t piece = 1000) {
  const auto source = open_file_range(file);
  std::string all, buffer(piece, '\0');
  while (const std::size_t got = source->read(buffer.data(), buffer.size())) {
    all.append(buffer, 0, got);
  }
  return all;
}

struct Format {
  std::string name;
  Compression compression;
  std::function<std::string(std::string_view)> compress;
};

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {{"gz", Compression::gzip, gzip},
                                          {"bz2", Compression::bzip2, bzip2},
                                          {"zst", Compression::zstd, zstd}};
  return all;
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST(ByteSource, ReadsPlainBytes) {
  TemporaryFolder folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  EXPECT_EQ(read_all({.path = folder.write("x", bytes)}, 1), bytes);
}

TEST(ByteSource, MissingFileIsAnInputOutputError) {
  try {
    open_file_range({.path = "/nowhere/at/all.txt"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), HasSubstr("/nowhere/at/all.txt"));
  }
}

TEST(ByteSource, ReadsConcatenatedParts) {
  TemporaryFolder folder;
  const std::string first = numbers(60000), second = numbers(9);
  for (const Format& format : formats()) {
    const auto path = folder.write(
        "x." + format.name, format.compress(first) + format.compress("") + format.compress(second));
    const InputFile file{.path = path, .compression = format.compression};
    EXPECT_EQ(read_all(file), first + second) << format.name;
    EXPECT_EQ(read_all(file, 1 << 20), first + second) << format.name;
  }
}

// Bytes made by other programs: gzip 1.12 -9 (with a file name), bzip2 1.0.8, zstd 1.5.4.
TEST(ByteSource, ReadsFilesOfTheCommandLineTools) {
  TemporaryFolder folder;
  const std::vector<std::pair<Compression, std::string>> files = {
      {Compression::gzip,
       "1f8b08085c09046b0203682e74787400f348cdc9c9d751c840a2f4b80074dbcb"
       "6a15000000"},
      {Compression::bzip2,
       "425a683931415926535902fe22a200000355000010400500400244a00031064c"
       "40c8d0c890856b1c1980f8bb9229c2848017f11510"},
      {Compression::zstd, "28b52ffd24158500005048656c6c6f2c20682e0a0100320a178adeae91"}};
  for (const auto& [compression, hexadecimal] : files) {
    std::string bytes;
    for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hexadecimal.substr(i, 2), nullptr, 16));
    }
    const InputFile file{.path = folder.write("x", bytes), .compression = compression};
    EXPECT_EQ(read_all(file), "Hello, hello, hello.\n");
  }
}

TEST(ByteSource, RefusesEveryTruncation) {
  TemporaryFolder folder;
  for (const Format& format : formats()) {
    const std::string whole = format.compress(numbers(200));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const InputFile file{.path = folder.write("x", whole.substr(0, size)),
                           .compression = format.compression};
      try {
        read_all(file);
        FAIL() << format.name << " cut to " << size << " of " << whole.size();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::bad_data);
        EXPECT_THAT(error.message(), HasSubstr(file.path.string()));
      }
    }
  }
}

TEST(ByteSource, RefusesDamageAndTrailingRubbish) {
  TemporaryFolder folder;
  for (const Format& format : formats()) {
    const std::string whole = format.compress(numbers(5000));
    std::string damaged = whole;
    damaged[whole.size() / 2] = static_cast<char>(damaged[whole.size() / 2] ^ 0x55);
    for (const std::string& bytes : {damaged, whole + "rubbish at the end"}) {
      // zstd without a checksum may not notice a flipped literal; it must not crash either.
      const bool may_pass = format.name == "zst" && bytes == damaged;
      const InputFile file{.path = folder.write("x", bytes), .compression = format.compression};
      try {
        read_all(file);
        EXPECT_TRUE(may_pass) << format.name;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      }
    }
  }
}

TEST(ByteSource, SaysThatAWindowIsTooWide) {
  TemporaryFolder folder;
  const InputFile widest{.path = folder.write("x", zstd_with_window("text", 27)),
                         .compression = Compression::zstd};
  EXPECT_EQ(window_bytes(widest), std::uint64_t{1} << 27);
  EXPECT_EQ(read_all(widest), "text");
  for (const auto& [bytes, words] : std::vector<std::pair<std::string, std::string>>{
           {zstd_with_window("text", 31), "a window of 2048 MiB; at most 128 MiB"},
           {zstd("text") + zstd_with_window("text", 28), "a window of over 128 MiB"}}) {
    const InputFile file{.path = folder.write("y", bytes), .compression = Compression::zstd};
    try {
      read_all(file);
      FAIL() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.message(), HasSubstr(file.path.string()));
      EXPECT_THAT(error.message(), HasSubstr(words));
      EXPECT_THAT(error.remedy(), HasSubstr("--long=31"));
    }
  }
}

TEST(ByteSource, FindsTheWindow) {
  TemporaryFolder folder;
  const auto window = [&](const std::string& bytes) {
    return window_bytes({.path = folder.write("x", bytes), .compression = Compression::zstd});
  };
  const std::string skippable("\x53\x2A\x4D\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(window(skippable + skippable + zstd_with_window("text", 20)), 1u << 20);
  // A single segment, as ZSTD_compress makes of what is small: the content is the window.
  for (const std::size_t bytes : {5, 300, 70'000}) {
    EXPECT_EQ(window(zstd(std::string(bytes, 'x'))), bytes);
  }
  EXPECT_EQ(window("no zstd"), 0u);
  EXPECT_EQ(window(skippable), 0u);
}

TEST(ByteSource, GzipMayBePaddedWithZeros) {
  TemporaryFolder folder;
  const auto path = folder.write("x", gzip("text") + std::string(512, '\0'));
  EXPECT_EQ(read_all({.path = path, .compression = Compression::gzip}), "text");
}

}  // namespace
}  // namespace bertha
