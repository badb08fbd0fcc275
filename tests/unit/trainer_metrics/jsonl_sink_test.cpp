// metrics.jsonl: one readable object a line whatever the values, and whole lines whatever happened.
#include "trainer/metrics/jsonl_sink.h"

#include <cmath>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "tests/unit/trainer_metrics/temporary_folder.h"

namespace bertha {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::vector<Json> lines_of(const std::filesystem::path& path) {
  std::istringstream text(content_of(path));
  std::vector<Json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(JsonlSink, WritesEveryKindOfValueInOrder) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  const auto before = static_cast<double>(std::time(nullptr));
  MetricsEvent event{"train", 7, {}};
  event.add("loss", 0.1);
  event.add("tokens", std::int64_t{9'007'199'254'740'993});  // 2^53 + 1
  event.add("skipped", false);
  event.add("from", std::string("a \"quoted\"\nline"));
  make_jsonl_sink(path)->write(event);

  const auto text = content_of(path);
  EXPECT_THAT(text, HasSubstr("{\"event\":\"train\",\"step\":7,\"time\":"));
  EXPECT_THAT(text, HasSubstr("\"loss\":0.1,\"tokens\":9007199254740993,\"skipped\":false"));
  const auto line = lines_of(path).at(0);
  EXPECT_EQ(line.at("from"), "a \"quoted\"\nline");
  EXPECT_GE(line.at("time").get<double>(), before);
  EXPECT_LE(line.at("time").get<double>(), before + 60);
}

TEST(JsonlSink, WritesWhatIsNoNumberAsNull) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsEvent event{"train", 1, {}};
  event.add("a", std::nan(""));
  event.add("b", std::numeric_limits<double>::infinity());
  event.add("c", -std::numeric_limits<double>::infinity());
  event.add("d", 1e-320);  // not normal, yet a number
  make_jsonl_sink(path)->write(event);
  const auto line = lines_of(path).at(0);
  EXPECT_TRUE(line.at("a").is_null());
  EXPECT_TRUE(line.at("b").is_null());
  EXPECT_TRUE(line.at("c").is_null());
  EXPECT_EQ(line.at("d"), 1e-320);
}

TEST(JsonlSink, SurvivesTextThatIsNotUtf8AndNamesThatAreTaken) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsEvent event{"warning", 3, {}};
  event.add("message", std::string("broken \xff\xc3("));
  event.add("step", std::int64_t{99});
  make_jsonl_sink(path)->write(event);
  const auto line = lines_of(path).at(0);
  EXPECT_THAT(line.at("message").get<std::string>(), HasSubstr("broken \xef\xbf\xbd"));
  EXPECT_EQ(line.at("step"), 3);
}

TEST(JsonlSink, GoesOnAfterWholeLinesAndCutsATornOne) {
  const TemporaryFolder folder;
  const auto whole = std::string("{\"event\":\"start\",\"step\":0}\n");
  for (const std::string torn : {"", "{\"event\":\"tr", "x"}) {
    const auto path = folder.write("metrics.jsonl", whole + torn);
    make_jsonl_sink(path)->write({"resume", 5, {}});
    const auto lines = lines_of(path);
    ASSERT_EQ(lines.size(), 2U) << torn;
    EXPECT_EQ(lines[0].at("event"), "start");
    EXPECT_EQ(lines[1].at("event"), "resume");
  }
}

TEST(JsonlSink, CutsATornLineLongerThanABlockAndOneThatIsAll) {
  const TemporaryFolder folder;
  const auto path = folder.write("metrics.jsonl", "{}\n" + std::string(10'000, 'x'));
  make_jsonl_sink(path);
  EXPECT_EQ(content_of(path), "{}\n");
  folder.write("metrics.jsonl", std::string(9'000, 'x'));
  make_jsonl_sink(path);
  EXPECT_EQ(content_of(path), "");
}

std::string line_of(const std::string& event, int step) {
  return "{\"event\":\"" + event + "\",\"step\":" + std::to_string(step) + "}\n";
}

// Whoever reads the file as it is finds every step once; what happened to the run stays.
TEST(JsonlSink, CutsTheStepsThatAResumedRunTrainsAgain) {
  const TemporaryFolder folder;
  const auto before = line_of("start", 0) + line_of("train", 1) + line_of("train", 2) +
                      line_of("save", 2) + "not JSON\n[3]\n{\"event\":\"train\"}\n";
  const auto path = folder.write(
      "metrics.jsonl", before + line_of("train", 3) + line_of("validation", 3) +
                           line_of("warning", 4) + line_of("save", 4) + line_of("test", 4) +
                           line_of("stop", 4) + line_of("resume", 4) + line_of("end", 5) +
                           line_of("train", 5) + "{\"event\":\"train\",\"st");
  make_jsonl_sink(path, 2)->write({"resume", 2, {}});
  const auto text = content_of(path);
  const auto kept = before + line_of("warning", 4) + line_of("stop", 4) + line_of("resume", 4) +
                    line_of("end", 5);
  EXPECT_TRUE(text.starts_with(kept + "{\"event\":\"resume\",\"step\":2,")) << text;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(JsonlSink, LeavesAloneWhatNeedsNoCut) {
  const TemporaryFolder folder;
  const auto text = line_of("start", 0) + line_of("train", 1) + line_of("stop", 1);
  const auto path = folder.write("metrics.jsonl", text);
  std::filesystem::create_hard_link(path, folder.path() / "same");
  make_jsonl_sink(path, 1);
  EXPECT_EQ(content_of(path), text);
  EXPECT_EQ(std::filesystem::hard_link_count(path), 2U) << "the file was replaced";
  make_jsonl_sink(path);
  EXPECT_EQ(content_of(path), text);
  make_jsonl_sink(path, 0);  // a run that begins anew in the same folder
  EXPECT_EQ(content_of(path), line_of("start", 0) + line_of("stop", 1));
}

TEST(JsonlSink, IsReadableAfterEveryLine) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  const auto sink = make_jsonl_sink(path);
  for (std::int64_t step = 0; step < 3; ++step) {
    sink->write({"train", step, {}});
    EXPECT_EQ(lines_of(path).size(), static_cast<std::size_t>(step) + 1);
  }
}

TEST(JsonlSink, CannotBeOpenedIsAnError) {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path() / "missing" / "metrics.jsonl", folder.path()}) {
    try {
      make_jsonl_sink(path);
      FAIL() << path << " was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.message(), HasSubstr(path.string()));
    }
  }
}

TEST(JsonlSink, AFullDiskWarnsOnceAndGoesOn) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const auto sink = make_jsonl_sink("/dev/full");
  testing::internal::CaptureStderr();
  sink->write({"train", 1, {}});
  const auto first = testing::internal::GetCapturedStderr();
  EXPECT_THAT(first, HasSubstr("bertha: warning: "));
  EXPECT_THAT(first, HasSubstr("No space left on device"));
  testing::internal::CaptureStderr();
  sink->write({"train", 2, {}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace bertha
