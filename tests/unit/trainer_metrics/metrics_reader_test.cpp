// Reading metrics.jsonl: sessions, superseded steps, lines that are not ours, files of any size.
#include "trainer/metrics/metrics_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/trainer_metrics/temporary_folder.h"
#include "trainer/metrics/event_line.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;

RunMetrics read(const std::string& text) {
  const TemporaryFolder folder;
  return read_metrics(folder.write("metrics.jsonl", text));
}

std::string train(int step, double loss) {
  return "{\"event\":\"train\",\"step\":" + std::to_string(step) +
         ",\"loss\":" + std::to_string(loss) + "}\n";
}

TEST(EventLine, TakesFlatFieldsAndLeavesNestedOnesOut) {
  EventLine line;
  ASSERT_TRUE(parse_event_line(
      R"({"event":"train","step":12,"time":3.5,"loss":-1e-3,"ok":true,"none":null,"from":"a",)"
      R"("deep":{"step":99,"event":"x","list":[1,[2]]},"list":["event"],"last":7})",
      line));
  EXPECT_EQ(line.event, "train");
  EXPECT_EQ(line.step, 12);
  EXPECT_EQ(line.time, 3.5);
  ASSERT_EQ(line.numbers.size(), 3U);
  EXPECT_EQ(line.numbers[0].name, "loss");
  EXPECT_EQ(line.numbers[0].value, -1e-3);
  EXPECT_EQ(line.numbers[1].value, 1);
  EXPECT_EQ(line.numbers[2].name, "last");
  ASSERT_NE(line.text("from"), nullptr);
  EXPECT_EQ(*line.text("from"), "a");
  EXPECT_EQ(line.text("absent"), nullptr);
}

// A blank after the brace sends a line to the slow parser, which must find the same.
TEST(EventLine, BothParsersAgree) {
  for (const std::string rest :
       {R"("event":"train","step":7,"time":1.5,"loss":-1.25e-3,"ok":true,"no":false,"none":null})",
        R"("event":"train","step":0,"a":01})", R"("event":"train","step":0,"a":1.})",
        R"("event":"train","step":0,"a":-0.5e+2,"b":.5})", R"("event":"train","step":0,"a":inf})",
        R"("event":"train","step":0,"a":1e-400})", R"("event":"train","step":00})",
        R"("event":"train","step":1,"a\u0062":1})", "\"event\":\"tr\u00e4in\",\"step\":1}",
        R"("event":"train","step":1,})", R"("event":"train","step":1,"a":12345678901234567890})",
        R"("event":"train","step":1,"step":2,"event":"end"})", R"("event":null,"step":1})"}) {
    EventLine fast, slow;
    fast.numbers.push_back({"left over", 1});
    const bool read = parse_event_line("{" + rest, fast);
    EXPECT_EQ(read, parse_event_line("{ " + rest, slow)) << rest;
    if (!read) continue;
    EXPECT_EQ(fast.event, slow.event);
    EXPECT_EQ(fast.step, slow.step);
    EXPECT_EQ(fast.time, slow.time);
    ASSERT_EQ(fast.numbers.size(), slow.numbers.size()) << rest;
    for (std::size_t i = 0; i < fast.numbers.size(); ++i) {
      EXPECT_EQ(fast.numbers[i].name, slow.numbers[i].name);
      EXPECT_EQ(fast.numbers[i].value, slow.numbers[i].value) << rest;
    }
  }
}

TEST(EventLine, RefusesWhatIsNoEvent) {
  EventLine line;
  for (const std::string text : {"",
                                 " ",
                                 "null",
                                 "7",
                                 "[]",
                                 "[{\"event\":\"train\",\"step\":1}]",
                                 "\"event\"",
                                 "{}",
                                 R"({"event":"train"})",
                                 R"({"step":1})",
                                 R"({"event":7,"step":1})",
                                 R"({"event":"train","step":"1"})",
                                 R"({"event":"train","step":1.5})",
                                 R"({"event":"train","step":-1})",
                                 R"({"event":"train","step":18446744073709551615})",
                                 R"({"event":"train","step":1,"loss":NaN})",
                                 R"({"event":"train","step":1,"loss":1e999})",
                                 R"({"event":"train","step":1} x)",
                                 R"({"event":"train","st)",
                                 "\xff\xfe"}) {
    EXPECT_FALSE(parse_event_line(text, line)) << text;
  }
}

TEST(MetricsReader, CollectsCurvesByEventAndName) {
  const auto run =
      read("{\"event\":\"start\",\"step\":0,\"time\":100,\"parameters\":42,\"from\":\"fresh\"}\n" +
           train(1, 5) + train(2, 4) +
           "{\"event\":\"validation\",\"step\":2,\"loss\":4.5,\"time\":160}\n"
           "{\"event\":\"save\",\"step\":2,\"checkpoint\":\"step-00000002\"}\n"
           "{\"event\":\"warning\",\"step\":2,\"message\":\"slow\"}\n"
           "{\"event\":\"end\",\"step\":2,\"time\":170}\n");
  EXPECT_THAT(run.curves.at("train/loss").points(),
              ElementsAre(CurvePoint{1, 5}, CurvePoint{2, 4}));
  EXPECT_THAT(run.curves.at("validation/loss").points(), ElementsAre(CurvePoint{2, 4.5}));
  EXPECT_EQ(run.session.at("parameters"), "42");
  EXPECT_EQ(run.session.at("from"), "fresh");
  EXPECT_EQ(run.saves, 1U);
  EXPECT_EQ(run.sessions, 1U);
  EXPECT_EQ(run.lines, 7U);
  EXPECT_EQ(run.malformed_lines, 0U);
  EXPECT_EQ(run.last_event, "end");
  EXPECT_EQ(run.last_step, 2);
  EXPECT_EQ(run.active_seconds, 70);
  ASSERT_EQ(run.markers.size(), 4U);
  EXPECT_EQ(run.markers[2].kind, "warning");
  EXPECT_EQ(run.markers[2].text, "slow");
}

// Killed at step 4 with a checkpoint at 2, then resumed twice; the pauses are not work.
TEST(MetricsReader, StepsThatWereTrainedAgainCountOnce) {
  const auto run = read(
      "{\"event\":\"start\",\"step\":0,\"time\":100,\"from\":\"fresh\",\"world_size\":1}\n" +
      train(1, 1.0) + train(2, 1.1) + train(3, 1.2) + train(4, 1.3) +
      "{\"event\":\"save\",\"step\":4,\"time\":110}\n"
      "{\"event\":\"resume\",\"step\":2,\"time\":500,\"from\":\"resumed\",\"world_size\":4}\n" +
      train(3, 2.2) + train(4, 2.3) +
      "{\"event\":\"stop\",\"step\":4,\"time\":520,\"reason\":\"SIGTERM\"}\n"
      "{\"event\":\"resume\",\"step\":3,\"time\":900}\n" +
      train(4, 3.3));
  EXPECT_THAT(
      run.curves.at("train/loss").points(),
      ElementsAre(CurvePoint{1, 1.0}, CurvePoint{2, 1.1}, CurvePoint{3, 2.2}, CurvePoint{4, 3.3}));
  EXPECT_EQ(run.sessions, 3U);
  EXPECT_EQ(run.superseded_lines, 5U);  // steps 3, 4 and the save; then step 4 and the stop
  EXPECT_EQ(run.saves, 0U);
  EXPECT_EQ(run.active_seconds, 30);
  EXPECT_EQ(run.session.at("from"), "fresh");
}

TEST(MetricsReader, ARunThatBeganAgainForgetsAllBefore) {
  const auto run = read("{\"event\":\"start\",\"step\":0}\n" + train(0, 9) + train(5, 8) +
                        "{\"event\":\"start\",\"step\":0}\n" + train(5, 1));
  EXPECT_THAT(run.curves.at("train/loss").points(), ElementsAre(CurvePoint{5, 1}));
}

TEST(MetricsReader, SkipsAndCountsLinesThatAreNotOurs) {
  const auto run = read(train(1, 5) + "\n{\"event\":\"train\",\"step\":2,\"lo\nnot json\n" +
                        std::string(3 << 20, 'x') + "\n" + std::string(5, '\0') + "\n" +
                        "{\"event\":\"train\",\"step\":3,\"loss\":null}\n" + train(4, 3) +
                        "{\"event\":\"train\",\"step\":5");
  EXPECT_THAT(run.curves.at("train/loss").points(),
              ElementsAre(CurvePoint{1, 5}, CurvePoint{4, 3}));
  EXPECT_EQ(run.malformed_lines, 6U);
  EXPECT_EQ(run.lines, 9U);
}

TEST(MetricsReader, ALastLineWithoutNewlineCountsWhenItIsWhole) {
  auto text = train(1, 5);
  text.pop_back();
  EXPECT_EQ(read(text).curves.at("train/loss").added(), 1U);
}

TEST(MetricsReader, AnEmptyFileIsARunWithoutEvents) {
  const auto run = read("");
  EXPECT_EQ(run.lines, 0U);
  EXPECT_TRUE(run.curves.empty());
  EXPECT_EQ(run.last_event, "");
}

TEST(MetricsReader, ManyNamesAndManyCheckpointsStayBounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "{\"event\":\"train\",\"step\":1,\"name" + std::to_string(i) + "\":1}\n";
    text += "{\"event\":\"save\",\"step\":" + std::to_string(i) + "}\n";
  }
  text += "{\"event\":\"resume\",\"step\":999}\n{\"event\":\"end\",\"step\":1000}\n";
  const auto run = read(text);
  EXPECT_EQ(run.curves.size(), 200U);
  EXPECT_EQ(run.saves, 1000U);
  EXPECT_LE(run.markers.size(), 400U);
  EXPECT_EQ(run.markers.back().kind, "end");
  EXPECT_EQ(run.markers[run.markers.size() - 2].kind, "resume");
}

TEST(MetricsReader, AMissingFileIsAnError) {
  try {
    read_metrics("/no/such/metrics.jsonl");
    FAIL() << "read what is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
}

}  // namespace
}  // namespace bertha
