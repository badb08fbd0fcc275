// Event files byte by byte: checksums from RFC 3720, framing and protobuf fields by their
// specifications. tests/parity/test_tensorboard.py reads them with TensorBoard itself.
#include "trainer/metrics/event_records.h"

#include <cstring>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/trainer_metrics/temporary_folder.h"
#include "trainer/metrics/tensorboard_sink.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
  EXPECT_EQ(crc32c(falling), 0x113FDB5CU);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

template <class Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

TEST(TfRecord, FramesLengthAndPayloadWithMaskedChecksums) {
  const auto record = tfrecord("123456789");
  ASSERT_EQ(record.size(), 8U + 4U + 9U + 4U);
  EXPECT_EQ(number_at<std::uint64_t>(record, 0), 9U);
  EXPECT_EQ(record.substr(12, 9), "123456789");
  // The mask by hand: 0xE3069283 turned right by 15 bits is 0x2507C60D; plus 0xA282EAD8.
  EXPECT_EQ(number_at<std::uint32_t>(record, 21), 0x2507C60DU + 0xA282EAD8U);
}

TEST(EventRecords, SayTheirVersionFirst) {
  const std::string expected(
      "\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0d"
      "brain.Event:2",
      24);
  EXPECT_EQ(file_version_event(1.5), expected);  // field 1 fixed64, field 3 text
}

TEST(EventRecords, AStartIsASessionLogWithItsStep) {
  const std::string expected("\x09\0\0\0\0\0\0\xf8\x3f\x10\xac\x02\x3a\x02\x08\x01", 16);
  EXPECT_EQ(session_start_event({1.5, 300}), expected);  // field 2 varint 300, field 7 {1: 1}
}

TEST(EventRecords, ANumberIsAScalarUnderItsEventsName) {
  const std::vector<std::pair<std::string, MetricValue>> values{{"x", 0.5}};
  const std::string expected(
      "\x09\0\0\0\0\0\0\xf8\x3f\x10\x01\x2a\x0c\x0a\x0a\x0a\x03"
      "t/x"
      "\x15\0\0\0\x3f",
      25);
  EXPECT_EQ(summary_event({1.5, 1}, "t", values), expected);
}

TEST(EventRecords, TextThatIsNotUtf8IsMadeSo) {
  const std::vector<std::pair<std::string, MetricValue>> values{{"from", std::string("a\xff")}};
  const auto bytes = summary_event({1.5, 1}, "start", values);
  EXPECT_THAT(bytes, HasSubstr("a\xef\xbf\xbd"));
  EXPECT_EQ(bytes.find('\xff'), std::string::npos);
}

std::vector<std::string> files_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return {names.begin(), names.end()};
}

TEST(TensorboardSink, ANewFileSortsAfterTheOldOnesAndOnlyThenNamesASessionStart) {
  const TemporaryFolder folder;
  const auto board = folder.path() / "run" / "tensorboard";
  make_tensorboard_sink(board, 0)->write({"train", 1, {{"loss", 2.0}}});
  ASSERT_EQ(files_in(board).size(), 1U);
  const auto first = files_in(board).front();
  EXPECT_THAT(first, ::testing::StartsWith("events.out.tfevents."));
  const std::string start("\x3a\x02\x08\x01");
  EXPECT_THAT(content_of(board / first), ::testing::Not(HasSubstr(start)));

  // At once, so within the same second.
  make_tensorboard_sink(board, 1)->write({"train", 2, {{"loss", 1.0}}});
  ASSERT_EQ(files_in(board).size(), 2U);
  EXPECT_EQ(files_in(board).front(), first);
  EXPECT_THAT(content_of(board / files_in(board).back()), HasSubstr("\x10\x02" + start));
}

TEST(TensorboardSink, AFolderThatCannotBeIsAnError) {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "");
  try {
    make_tensorboard_sink(file / "tensorboard", 0);
    FAIL() << "a folder inside a file";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
}

}  // namespace
}  // namespace bertha
