// Streams of a spill file: what is written is read; what is damaged is not taken for whole.
#include "data_pipeline/prepare/spill_file.h"

#include <array>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;

constexpr std::array kStreams = {SpillStream::tokens, SpillStream::sentences,
                                 SpillStream::documents, SpillStream::digests};
using Contents = std::array<std::string, kSpillStreams>;

// Appended in turns, in pieces of up to `most` bytes.
void write(const PrepareFolder& folder, const Contents& contents, std::size_t most) {
  std::mt19937 random(3);
  SpillFileWriter file(folder.path(), 7);
  std::array<std::size_t, kSpillStreams> at{};
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < kSpillStreams; ++i) {
      const std::string piece = contents[i].substr(at[i], random() % (most + 1));
      file.append(kStreams[i], piece.data(), piece.size());
      at[i] += piece.size();
      more = more || at[i] < contents[i].size();
    }
  }
  EXPECT_THAT(folder.names(), ElementsAre("spill-00007.unfinished"));
  file.finish("two words");
}

std::string read_all(const SpillFile& file, SpillStream stream) {
  std::string bytes(file.bytes(stream), '\0');
  file.read(stream, 0, bytes.data(), bytes.size());
  return bytes;
}

Contents some_contents() {
  std::mt19937 random(5);
  Contents contents;
  const std::array<std::size_t, kSpillStreams> sizes = {300'001, 65'536, 70, 0};
  for (std::size_t i = 0; i < kSpillStreams; ++i) {
    for (std::size_t n = 0; n < sizes[i]; ++n) contents[i].push_back(static_cast<char>(random()));
  }
  return contents;
}

TEST(SpillFile, StreamsComeBackAsTheyWere) {
  const Contents contents = some_contents();
  for (const std::size_t most : {50, 5'000, 200'000}) {
    const PrepareFolder folder;
    write(folder, contents, most);
    EXPECT_THAT(folder.names(), ElementsAre("spill-00007.done"));
    const auto file = SpillFile::find_whole(folder.path(), 7);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->words(), "two words");
    for (std::size_t i = 0; i < kSpillStreams; ++i) {
      EXPECT_TRUE(read_all(*file, kStreams[i]) == contents[i]) << i;
    }
    std::string across(100, '\0');  // a border of extents
    file->read(SpillStream::tokens, 65'500, across.data(), across.size());
    EXPECT_TRUE(across == contents[0].substr(65'500, 100));
    EXPECT_THROW(file->read(SpillStream::documents, 1, across.data(), 70), Error);
    EXPECT_THROW(file->read(SpillStream::digests, 0, across.data(), 1), Error);
  }
}

TEST(SpillFile, NothingButAWholeFileIsFound) {
  const PrepareFolder folder;
  EXPECT_FALSE(SpillFile::find_whole(folder.path(), 7));
  write(folder, some_contents(), 5'000);
  const std::string bytes = folder_bytes(folder.path()).at("spill-00007.done");
  for (std::size_t place = 0; place < bytes.size(); place += place < bytes.size() - 500 ? 997 : 1) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x10);
    folder.write("spill-00007.done", damaged);
    EXPECT_FALSE(SpillFile::find_whole(folder.path(), 7)) << place;
  }
  for (const std::size_t left : {0, 79, 80, 1'000, 100'000}) {
    folder.write("spill-00007.done", bytes.substr(0, left));
    EXPECT_FALSE(SpillFile::find_whole(folder.path(), 7)) << left;
  }
  folder.write("spill-00007.done", bytes);
  EXPECT_TRUE(SpillFile::find_whole(folder.path(), 7));
}

}  // namespace
}  // namespace bertha
