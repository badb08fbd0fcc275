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
  EXPECT_EQ(undone("abc\x62\xc4\xc5\x25", {"lzf", "fletcher32"}, 3, 1), bytes_of("abc"));
  EXPECT_EQ(undone("abcSUM4", {"fletcher32"}, 7, 1), bytes_of("abcSUM4"));
}

// h5py 3.16: create_dataset(data=..., chunks=data.shape, fletcher32=True).
TEST(ChunkFilters, CompareFletchersChecksum) {
  std::string long_one;
  for (int i = 0; i < 5001; ++i) long_one.push_back(static_cast<char>(i * 37));
  const std::vector<std::pair<std::string, std::string>> chunks = {
      {"\x01\x02\x03\x04\x05\x06\x07"s, "\x0c\x10\x20\x1e"s},
      {"\xe8\x03\x00\x00\xff\xff\xff\xff\x70\x11\x01\x00"s, "\x15\x59\x3a\x51"s},
      {long_one, "\x2c\x8a\x92\x36"s},
      {std::string(2000, '\xff'), "\xff\xff\xff\xff"s}};
  for (const auto& [plain, sum] : chunks) {
    EXPECT_EQ(undone(plain + sum, {"fletcher32"}, plain.size()), bytes_of(plain));
    // As HDF5 before 1.6.3 stored it.
    const std::string swapped{sum[1], sum[0], sum[3], sum[2]};
    EXPECT_EQ(undone(plain + swapped, {"fletcher32"}, plain.size()), bytes_of(plain));
    for (const std::size_t at : {std::size_t{0}, plain.size() / 2, plain.size() + 3}) {
      std::string damaged = plain + sum;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      try {
        undone(damaged, {"fletcher32"}, plain.size());
        ADD_FAILURE() << "no error for byte " << at;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::bad_data);
        EXPECT_NE(error.message().find("has the checksum"), std::string::npos);
      }
    }
  }
  EXPECT_THROW(undone("abc", {"fletcher32"}, 3), Error);
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
