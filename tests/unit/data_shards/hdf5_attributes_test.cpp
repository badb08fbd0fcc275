// The attributes of a file of HDF5's oldest format, made by hand after the format's specification.
#include "data_pipeline/shards/hdf5_attributes.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_corpus.h"

namespace bertha {
namespace {

template <class Number>
std::string bytes_of(Number number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}
std::string u8(unsigned n) {
  return bytes_of(static_cast<std::uint8_t>(n));
}
std::string u16(unsigned n) {
  return bytes_of(static_cast<std::uint16_t>(n));
}
std::string u32(std::uint32_t n) {
  return bytes_of(n);
}
std::string u64(std::uint64_t n) {
  return bytes_of(n);
}
std::string padded(std::string part) {
  part.resize((part.size() + 7) / 8 * 8, '\0');
  return part;
}

const std::string kInteger = u32(0x10) + u32(8) + u16(0) + u16(64);          // of eight bytes
const std::string kVariableText = u32(0x19) + u32(16) + u32(0x13) + u32(1);  // of characters
const std::string kOne = u8(1) + u8(0) + u8(0) + std::string(5, '\0');
std::string several(std::uint64_t count) {
  return u8(1) + u8(1) + u8(0) + std::string(5, '\0') + u64(count);
}

std::string attribute(const std::string& name, const std::string& type, const std::string& space,
                      const std::string& data) {
  return u8(1) + u8(0) + u16(static_cast<unsigned>(name.size())) +
         u16(static_cast<unsigned>(type.size())) + u16(static_cast<unsigned>(space.size())) +
         padded(name) + padded(type) + padded(space) + data;
}

std::string message(unsigned type, const std::string& body, unsigned flags = 0) {
  return u16(type) + u16(static_cast<unsigned>(body.size())) + u8(flags) + std::string(3, '\0') +
         body;
}
std::string attribute_message(const std::string& body) {
  return message(0x0C, padded(body));
}

// A superblock of version 0, and the root group's header behind it, in two blocks.
std::string file_of(const std::string& first, const std::string& second) {
  const std::uint64_t header = 96, next = header + 16 + first.size() + 24;
  const std::string more = message(0x10, u64(next) + u64(second.size()));
  std::string file = std::string("\x89HDF\r\n\x1a\n", 8) + std::string(5, '\0') + u8(8) + u8(8) +
                     std::string(9, '\0');
  file += u64(0) + u64(UINT64_MAX) + u64(next + second.size()) + u64(UINT64_MAX);
  file += u64(0) + u64(header) + std::string(24, '\0');
  file +=
      u8(1) + u8(0) + u16(3) + u32(1) + u32(static_cast<std::uint32_t>(first.size() + 24)) + u32(0);
  return file + first + more + second;
}

class Attributes : public testing::Test {
 protected:
  bool is_sound(const std::string& bytes) {
    write_bytes(folder_ / "a.h5", bytes);
    try {
      check_attributes((folder_ / "a.h5").string());
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_NE(error.message().find("a.h5"), std::string::npos);
      return false;
    }
  }
  bool is_sound_attribute(const std::string& body) {
    return is_sound(file_of("", attribute_message(body)));
  }
  const std::string name_{"tokens\0", 7};
  const std::string good_ = attribute(name_, kInteger, kOne, u64(5));

 private:
  TemporaryFolder folder_;
};

TEST_F(Attributes, SoundOnes) {
  EXPECT_TRUE(is_sound_attribute(good_));
  EXPECT_TRUE(is_sound_attribute(attribute(name_, kVariableText, kOne, std::string(16, 'x'))));
  EXPECT_TRUE(is_sound_attribute(attribute(name_, kInteger, several(3), std::string(24, 'x'))));
  EXPECT_TRUE(is_sound(file_of(attribute_message(good_), attribute_message(good_))));
  EXPECT_TRUE(is_sound(file_of("", "")));
}

TEST_F(Attributes, ThatSayMoreThanTheyHold) {
  EXPECT_FALSE(is_sound_attribute(attribute(name_, kInteger, kOne, "")));
  EXPECT_FALSE(is_sound_attribute(attribute(name_, kInteger, several(4), std::string(24, 'x'))));
  EXPECT_FALSE(is_sound_attribute(attribute(name_, kInteger, several(UINT64_MAX / 8 + 2), u64(5))));
  EXPECT_FALSE(is_sound_attribute(attribute("tokens", kInteger, kOne, u64(5))));  // no end
  EXPECT_FALSE(is_sound_attribute(attribute(name_, kInteger.substr(0, 10), kOne, u64(5))));
  EXPECT_FALSE(
      is_sound_attribute(attribute(name_, kVariableText.substr(0, 8), kOne, std::string(16, 'x'))));
  EXPECT_FALSE(is_sound_attribute(attribute(name_, kInteger, kOne.substr(0, 2), u64(5))));
  EXPECT_FALSE(is_sound_attribute(attribute(name_, u32(0x16) + u32(8), kOne, u64(5))));  // compound
  for (std::size_t bytes = 1; bytes < good_.size(); ++bytes) {
    if (bytes + 8 > good_.size()) continue;  // filled up again by the message
    EXPECT_FALSE(is_sound_attribute(good_.substr(0, bytes))) << bytes;
  }
}

TEST_F(Attributes, InBlocksThatAreNotThere) {
  const std::string good = file_of("", attribute_message(good_));
  EXPECT_FALSE(is_sound(good.substr(0, good.size() - 1)));
  std::string endless = file_of("", message(0x10, u64(96 + 16) + u64(24)));
  EXPECT_FALSE(is_sound(endless));
  std::string far = good;
  std::memset(far.data() + 96 + 16 + 8, 0xFF, 8);
  EXPECT_FALSE(is_sound(far));
  EXPECT_FALSE(is_sound(file_of("", message(0x0C, padded(good_), 2))));  // lies elsewhere
}

// Left to the library: newer formats, and what is no HDF5 file.
TEST_F(Attributes, OfOtherFilesAreNotLookedAt) {
  EXPECT_TRUE(is_sound("no HDF5 file"));
  std::string newer = file_of("", attribute_message(attribute(name_, kInteger, kOne, "")));
  newer[8] = 2;
  EXPECT_TRUE(is_sound(newer));
}

}  // namespace
}  // namespace bertha
