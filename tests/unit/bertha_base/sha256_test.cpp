// SHA-256: the examples of FIPS 180 and of NIST's collection.
#include "parallel/base/sha256.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256_hex(""), kEmpty);
  EXPECT_EQ(sha256_hex("abc"), kAbc);
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')), kMillion);
}

TEST(Sha256, PiecesGiveTheSameAsTheWhole) {
  Sha256 hash;
  for (int i = 0; i < 1000; ++i) hash.update(std::string(1000, 'a'));
  EXPECT_EQ(hash.hex(), kMillion);
}

TEST(Sha256, ReadsFilesOfAnyLength) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("bertha-sha256-" + std::to_string(std::rand()) + ".bin");
  std::ofstream(path) << "abc";
  EXPECT_EQ(sha256_file(path), kAbc);
  std::ofstream(path).flush();
  EXPECT_EQ(sha256_file(path), kEmpty);
  std::ofstream(path) << std::string(3'000'000, 'x');  // several buffers
  EXPECT_EQ(sha256_file(path), sha256_hex(std::string(3'000'000, 'x')));
  std::filesystem::remove(path);
}

TEST(Sha256, AFileThatCannotBeReadIsAnError) {
  for (const char* path : {"/no/such/file", "/"}) {
    try {
      sha256_file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
    }
  }
}

}  // namespace
}  // namespace bertha
