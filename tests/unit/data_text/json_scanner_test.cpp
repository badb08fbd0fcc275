// The scanner agrees with a full parser wherever it gives an answer, and gives one for plain lines.
#include "data_pipeline/text/json_scanner.h"

#include <optional>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bertha {
namespace {

std::optional<std::string> scan(std::string_view line) {
  std::string text;
  if (!JsonScanner(line).find_text("text", text)) return {};
  return text;
}

std::optional<std::string> parse(const std::string& line) {
  const auto value = nlohmann::json::parse(line, nullptr, false);
  if (!value.is_object() || !value.contains("text") || !value["text"].is_string()) return {};
  return value["text"].get<std::string>();
}

TEST(JsonScanner, TakesPlainLinesOfAllKinds) {
  const std::string deep = R"({"a": {"b": [1, -2.5, {"text": "no"}, [], {}, true, null, "x\"y"]},)";
  for (const std::string& line : std::vector<std::string>{
           R"({"text": "plain"})", R"( { "id" : 0 , "text" : "a\n\"b\\\/\b\f\r\t" } )",
           R"({"text": "\u0041\u00e9\u4e2d\ud83d\ude00\u0000"})", R"({"text":"","z":false})",
           R"({"te\u0078t": "escaped name"})", R"({"text": "first", "text": "second"})",
           deep + R"( "text": "yes"})",
           R"({"text": ")" + std::string(100, 'x') + R"(\")" + std::string(33, 'y') + "\"}",
           "{\"text\": \"\xD0\x94\xE4\xBB\x8A\xF0\x9F\x98\x80\"}"}) {
    ASSERT_TRUE(parse(line)) << line;
    EXPECT_EQ(scan(line), parse(line)) << line;
  }
}

TEST(JsonScanner, LeavesFaultsAndOdditiesToTheParser) {
  for (const std::string& line : std::vector<std::string>{"",
                                                          "{",
                                                          "{}",
                                                          "[]",
                                                          R"("text")",
                                                          R"({"text": 1})",
                                                          R"({"text": "a"} x)",
                                                          R"({"text": "a",})",
                                                          R"({"text": "a" "b": 1})",
                                                          R"({"text": "a)",
                                                          R"({"text": "\x"})",
                                                          R"({"text": "\ud800"})",
                                                          R"({"text": "\u00)",
                                                          R"({"text": "\u00\x10\x10"})",
                                                          "{\"text\": \"a\nb\"}",
                                                          R"({"n": 01, "text": "a"})",
                                                          R"({"n": 1., "text": "a"})",
                                                          R"({"n": -, "text": "a"})",
                                                          R"({"n": 1e999, "text": "a"})",
                                                          R"({"n": nul, "text": "a"})",
                                                          R"({"text": "a", "text": 1})",
                                                          R"({text: "a"})",
                                                          "{\"text\"",
                                                          std::string(100000, '[')}) {
    EXPECT_EQ(scan(line), std::nullopt) << line.substr(0, 100);
  }
}

// Damaged lines: whatever it accepts, the parser accepts with the same text.
TEST(JsonScanner, AgreesWithTheParserOnDamagedLines) {
  std::mt19937 draw(3);
  const std::string good =
      R"({"id": 17, "meta": {"a": [1, 2.5, "x"], "b": null}, "text": "one \"two\" \u00e9 three"})";
  const std::string_view bytes = "{}[]\",:\\u0e19.-+ \ntx";
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string line = good;
    for (auto changes = draw() % 3 + 1; changes > 0; --changes) {
      const std::size_t place = draw() % line.size();
      const char byte = bytes[draw() % bytes.size()];
      if (draw() % 3 == 0) {
        line.erase(place, 1);
      } else if (draw() % 2 == 0) {
        line.insert(place, 1, byte);
      } else {
        line[place] = byte;
      }
    }
    const auto found = scan(line);
    if (!found) continue;
    ++accepted;
    ASSERT_EQ(found, parse(line)) << line;
  }
  EXPECT_GT(accepted, 10000);
}

}  // namespace
}  // namespace bertha
