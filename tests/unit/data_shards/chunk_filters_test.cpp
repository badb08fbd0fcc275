// Chunks as h5py stored them (read with read_direct_chunk), whole and damaged.
#include "data_pipeline/shards/chunk_filters.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using namespace std::string_literals;

std::vector<char> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

std::vector<char> undone(const std::string& stored, std::vector<std::string> filters,
                         std::size_t bytes, std::uint32_t skipped = 0) {
  return undo_filters(bytes_of(stored), {filters, skipped, 1, bytes}, "test");
}

// h5py 3.16: create_dataset(data=uint8 array, compression="lzf").
struct Stored {
  std::vector<char> plain;
  std::string lzf;
};
std::vector<Stored> h5py_chunks() {
  std::vector<char> repeated;  // 1, 2, 3 eighteen times, then 100 to 139
  for (int i = 0; i < 54; ++i) repeated.push_back(static_cast<char>(1 + i % 3));
  for (int i = 100; i < 140; ++i) repeated.push_back(static_cast<char>(i));
  std::vector<char> sevens(300, 7);
  sevens.insert(sevens.end(), {9, 8, 7});
  return {{repeated,
           "\x03\x01\x02\x03\x01\xe0)\x02\x1f"
           "defghijklmnopqrstuvwxyz{|}~\x7f\x80\x81\x82\x83\x07\x84\x85\x86\x87\x88\x89\x8a\x8b"s},
          {sevens, "\x01\x07\x07\xe0\xff\x00\xe0\x19\x00\x02\t\x08\x07"s}};
}

TEST(ChunkFilters, UnpackLzf) {
  for (const auto& [plain, lzf] : h5py_chunks())
    EXPECT_EQ(undone(lzf, {"lzf"}, plain.size()), plain);
}

TEST(ChunkFilters, LeaveOutWhatWasNotApplied) {
  EXPECT_EQ(undone("abc", {"lzf"}, 3, 1), bytes_of("abc"));
  EXPECT_EQ(undone("abcSUM4", {"lzf", "fletcher32"}, 3, 1), bytes_of("abc"));
}

TEST(ChunkFilters, DamagedLzfIsAnErrorOrOfTheRightSize) {
  for (const auto& [plain, lzf] : h5py_chunks()) {
    for (std::size_t cut = 0; cut < lzf.size(); ++cut) {
      EXPECT_THROW(undone(lzf.substr(0, cut), {"lzf"}, plain.size()), Error) << cut;
    }
    for (std::size_t at = 0; at < lzf.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        auto damaged = lzf;
        damaged[at] = static_cast<char>(value);
        try {
          EXPECT_EQ(undone(damaged, {"lzf"}, plain.size()).size(), plain.size());
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::bad_data);
        }
      }
    }
  }
}

TEST(ChunkFilters, NameWhatTheyDoNotKnow) {
  EXPECT_EQ(unknown_filter({"shuffle", "gzip", "lzf", "fletcher32"}), "");
  EXPECT_EQ(unknown_filter({"shuffle", "scaleoffset"}), "scaleoffset");
}

}  // namespace
}  // namespace bertha
