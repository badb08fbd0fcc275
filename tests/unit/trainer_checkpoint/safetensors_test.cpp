// safetensors: round trips, and a table of files that lie.
#include "trainer/checkpoint/safetensors.h"

#include <cstring>
#include <sys/stat.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/sha256.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string safetensors_bytes(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

TEST(Safetensors, GiveBackWhatWasWritten) {
  const ScratchFolder folder;
  const auto doubles = at::arange(24, at::kDouble).reshape({2, 3, 4}) / 7;
  std::vector<NamedTensor> tensors;
  for (const auto type : {at::kByte, at::kHalf, at::kFloat, at::kBFloat16, at::kLong, at::kInt,
                          at::kDouble, at::kBool, at::kShort, at::kChar}) {
    tensors.push_back({std::string("a ") + c10::toString(type), doubles.to(type)});
  }
  tensors.push_back({"scalar", at::scalar_tensor(3.5F)});
  tensors.push_back({"nothing", at::empty({3, 0, 2}, at::kHalf)});
  tensors.push_back({"three bytes", at::arange(3, at::kByte)});
  tensors.push_back({"transposed", at::arange(6, at::kFloat).view({2, 3}).t()});
  tensors.push_back({"ünïcode \"quoted\" \\ \n", at::ones({1}, at::kLong)});
  const std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "a\nb\"c"}};
  const auto written = write_safetensors(folder / "x.safetensors", tensors, metadata);
  EXPECT_EQ(written.name, "x.safetensors");
  EXPECT_EQ(written.bytes, std::filesystem::file_size(folder / "x.safetensors"));
  EXPECT_EQ(written.sha256, sha256_file(folder / "x.safetensors"));

  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.metadata(), metadata);
  EXPECT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(file.contains(name));
    const auto read = file.read(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read, tensor)) << name;
  }
  EXPECT_FALSE(file.contains("absent"));
  EXPECT_THAT(error_of([&] { file.read("absent"); }), HasSubstr("x.safetensors holds no tensor"));
}

TEST(Safetensors, KeepNanBitForBit) {
  const ScratchFolder folder;
  auto values = at::empty({2}, at::kInt);
  values[0] = 0x7FC12345;  // NaN with a payload
  values[1] = static_cast<std::int32_t>(0x80000000);
  write_safetensors(folder / "nan.safetensors", {{"x", values.view(at::kFloat)}}, {});
  const auto read = SafetensorsFile(folder / "nan.safetensors").read("x");
  EXPECT_TRUE(at::equal(read.view(at::kInt), values));
}

// Layout as the format's README has it, taken apart without our reader.
TEST(Safetensors, AreLaidOutAsTheFormatSays) {
  const ScratchFolder folder;
  write_safetensors(folder / "x.safetensors",
                    {{"byte", at::full({3}, 7, at::kByte)}, {"one", at::ones({2}, at::kFloat)}},
                    {{"format", "pt"}});
  const auto bytes = read_file(folder / "x.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0U);
  ASSERT_EQ(bytes.size(), 8 + length + 11);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  EXPECT_EQ(bytes[8], '{');
  EXPECT_EQ(header, nlohmann::json::parse(R"({"__metadata__": {"format": "pt"},
      "one": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
      "byte": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]}})"));
  EXPECT_EQ(bytes.substr(8 + length), std::string("\0\0\x80\x3f\0\0\x80\x3f\x07\x07\x07", 11));
}

TEST(Safetensors, MayBeEmpty) {
  const ScratchFolder folder;
  write_safetensors(folder / "x.safetensors", {}, {});
  EXPECT_TRUE(SafetensorsFile(folder / "x.safetensors").entries().empty());
}

TEST(Safetensors, RefuseToWriteTwoOfOneName) {
  const ScratchFolder folder;
  const auto x = at::ones({1});
  EXPECT_THROW(write_safetensors(folder / "x", {{"a", x}, {"a", x}}, {}), Error);
  EXPECT_THROW(write_safetensors(folder / "x", {{"__metadata__", x}}, {}), Error);
  EXPECT_THAT(error_of([&] {
                write_safetensors(folder / "no/such/folder", {{"a", x}}, {});
              }),
              StartsWith("74 cannot create"));
}

TEST(Safetensors, SayAFullDisk) {
  EXPECT_THAT(error_of([] {
                write_safetensors("/dev/full", {{"a", at::ones({100'000})}}, {});
              }),
              testing::MatchesRegex("74 cannot write /dev/full: No space left on device"));
}

struct Lie {
  const char* what;
  std::string header;
  std::string data;
  const char* said;
};

std::string one(const std::string& fields) {
  return "{\"a\":{" + fields + "}}";
}

const std::vector<Lie> kLies{
    {"no JSON", "{\"a\":", "", "not JSON"},
    {"a list", "[1, 2]", "", "does not begin with '{'"},
    {"space in front", " {}", "", "does not begin with '{'"},
    {"something after it", "{} x", "", "not JSON"},
    {"invalid UTF-8", "{\"\xff\":1}", "", "not JSON"},
    {"nothing", "", "", "does not begin"},
    {"tensor is a number", "{\"a\":1}", "", "not an object"},
    {"no dtype", one(R"("shape":[1],"data_offsets":[0,4])"), "1234", "no dtype"},
    {"no shape", one(R"("dtype":"F32","data_offsets":[0,4])"), "1234", "no shape"},
    {"no offsets", one(R"("dtype":"F32","shape":[1])"), "1234", "no data_offsets"},
    {"unknown dtype", one(R"("dtype":"F99","shape":[1],"data_offsets":[0,4])"), "1234",
     "unknown dtype 'F99'"},
    {"dtype is a number", one(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "1234", "dtype"},
    {"shape is a number", one(R"("dtype":"F32","shape":1,"data_offsets":[0,4])"), "1234", "shape"},
    {"negative size", one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "1234", "whole"},
    {"fractional size", one(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), "1234",
     "whole"},
    {"size as text", one(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])"), "1234", "whole"},
    {"one offset", one(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), "1234", "pair"},
    {"negative offset", one(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])"), "1234", "whole"},
    {"backwards", one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "1234", "do not fit"},
    {"shape too large", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), "1234",
     "do not fit its 8 bytes"},
    {"shape overflows",
     one(R"("dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,4])"), "1234",
     "impossibly large"},
    {"shape overflows to nothing",
     one(R"("dtype":"F32","shape":[9223372036854775807,9223372036854775807,0],)"
         R"("data_offsets":[0,0])"),
     "", "impossibly large"},
    {"size beyond 64 bits",
     one(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,0])"), "", "whole"},
    {"offset overflows",
     one(R"("dtype":"U8","shape":[4],"data_offsets":[18446744073709551614,18446744073709551618])"),
     "1234", "whole"},
    {"leaves the file", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "1234",
     "truncated"},
    {"hole in front", one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), "12345678",
     "4 unused bytes before"},
    {"unused bytes behind", one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), "12345678",
     "4 unused bytes after"},
    {"data of nobody", "{}", "1234", "4 unused bytes"},
    {"overlap",
     R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
         "b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}})",
     "12345", "'b' overlaps"},
    {"hole between",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
         "b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
     "123", "1 unused bytes before tensor 'b'"},
    {"the same bytes twice",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
         "b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
     "1", "overlaps"},
    {"a name twice",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
         "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
     "12", "'a' twice"},
    {"metadata is a list", R"({"__metadata__":["x"]})", "", "__metadata__ is not an object"},
    {"metadata holds a number", R"({"__metadata__":{"x":1}})", "", "not a text"},
    {"deep nesting", "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", "",
     "nested"},
    {"many dimensions",
     one("\"dtype\":\"U8\",\"shape\":[1" +
         [] {
           std::string ones;
           for (int i = 0; i < 100; ++i) ones += ",1";
           return ones;
         }() +
         "],\"data_offsets\":[0,1]"),
     "1", "shape"},
};

class LyingFile : public testing::TestWithParam<Lie> {};
INSTANTIATE_TEST_SUITE_P(All, LyingFile, testing::ValuesIn(kLies), [](const auto& test) {
  std::string name = test.param.what;
  for (auto& letter : name) {
    if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
  }
  return name;
});

TEST_P(LyingFile, IsRefused) {
  const ScratchFolder folder;
  const auto path =
      folder.put("lie.safetensors", safetensors_bytes(GetParam().header, GetParam().data));
  const auto said = error_of([&] { SafetensorsFile{path}; });
  EXPECT_THAT(said, StartsWith("65 " + path.string()));
  EXPECT_THAT(said, HasSubstr(GetParam().said));
  EXPECT_EQ(said.find('\n'), std::string::npos);
}

TEST(LyingFile, HasAHeaderThatCannotBe) {
  const ScratchFolder folder;
  const auto refused = [&](const std::string& bytes, const char* what) {
    const auto path = folder.put("x.safetensors", bytes);
    EXPECT_THAT(error_of([&] { SafetensorsFile{path}; }),
                testing::AllOf(StartsWith("65 " + path.string()), HasSubstr(what)));
  };
  refused("", "truncated");
  refused("1234567", "truncated");
  refused(std::string("\x03\0\0\0\0\0\0\0{}", 10), "header of 3 bytes in a file of 10");
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "18446744073709551615 bytes");
  refused(std::string("\xf8\xff\xff\xff\xff\xff\xff\xff{}", 10), "header of");
}

// The format's own limit; the file is sparse, so that only a reader that believes it needs memory.
TEST(LyingFile, HasAHugeHeader) {
  const ScratchFolder folder;
  const std::uint64_t huge = kLargestSafetensorsHeader + 1;
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(huge >> (8 * i) & 0xff);
  const auto path = folder.put("huge", bytes + "{}");
  std::filesystem::resize_file(path, 8 + huge + 16);
  EXPECT_THAT(error_of([&] { SafetensorsFile{path}; }),
              testing::AllOf(StartsWith("65 " + path.string()), HasSubstr("header of 100000001")));
}

TEST(LyingFile, IsTruncatedAnywhere) {
  const ScratchFolder folder;
  write_safetensors(folder / "whole", {{"a", at::ones({3}, at::kFloat)}}, {{"format", "pt"}});
  const auto whole = read_file(folder / "whole");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto path = folder.put("part", whole.substr(0, size));
    EXPECT_THAT(error_of([&] { SafetensorsFile{path}; }), StartsWith("65 ")) << size;
  }
}

// Control characters and endless names must not reach the terminal.
TEST(LyingFile, CannotSmuggleItsNamesIntoMessages) {
  const ScratchFolder folder;
  const auto header = "{\"" + std::string("\\n\\u001b[31m") + std::string(5000, 'x') + "\":1}";
  const auto path = folder.put("x", safetensors_bytes(header, ""));
  const auto said = error_of([&] { SafetensorsFile{path}; });
  EXPECT_THAT(said, HasSubstr("'??[31mxxx"));
  EXPECT_LT(said.size(), 400U);
}

TEST(Safetensors, OpenOnlyRegularFiles) {
  const ScratchFolder folder;
  EXPECT_THAT(error_of([&] { SafetensorsFile(folder / "nowhere"); }),
              testing::MatchesRegex("74 cannot open .*nowhere: No such file or directory"));
  EXPECT_THAT(error_of([&] { SafetensorsFile(folder.path()); }), StartsWith("74 "));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { SafetensorsFile(folder / "fifo"); }), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace bertha
