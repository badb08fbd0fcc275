// Alignment, long names, many labels.
#include "launch/confusion_table.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(ConfusionTable, IsAligned) {
  EXPECT_EQ(confusion_table({"no", "perhaps"}, {{5, 120}, {0, 7}}),
            "labels in rows, predictions in columns\n"
            "              1    2\n"
            "1  no         5  120\n"
            "2  perhaps    0    7\n");
}

TEST(ConfusionTable, NamesAreCutByTheirWidth) {
  const auto lines =
      lines_of(confusion_table({std::string(200, 'x'), "\xE6\x97\xA5\xE6\x9C\xAC", "a\tb\x01"},
                               {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}));
  EXPECT_EQ(lines[2], "1  " + std::string(25, 'x') + "...  1  2  3");
  EXPECT_EQ(lines[3], "2  \xE6\x97\xA5\xE6\x9C\xAC" + std::string(24, ' ') + "  4  5  6");
  EXPECT_EQ(lines[4], "3  a b " + std::string(24, ' ') + "  7  8  9");
}

TEST(ConfusionTable, ManyLabelsAreSummedUp) {
  std::vector<std::string> labels;
  ConfusionMatrix counts(13, std::vector<std::uint64_t>(13));
  for (int i = 0; i < 13; ++i) {
    labels.push_back("label " + std::to_string(i));
    counts[static_cast<std::size_t>(i)][static_cast<std::size_t>(i)] = 10;
  }
  counts[3][4] = 2;
  counts[3][12] = 5;
  const auto lines = lines_of(confusion_table(labels, counts));
  ASSERT_EQ(lines.size(), 14U);
  EXPECT_EQ(lines[1], " 1  label 0         10        10");
  EXPECT_EQ(lines[4], " 4  label 3         17        10  label 12 (5)");
}

TEST(LabelTable, SaysOfEachLabelHowManyWereFoundAndMissed) {
  EXPECT_EQ(label_table({"tea", "coffee"}, {{{90, 1}, {2, 7}}, {{100, 0}, {0, 0}}}),
            "label         found    missed   wrongly  rightly not\n"
            "1  tea            7         2         1           90\n"
            "2  coffee         0         0         0          100\n");
}

}  // namespace
}  // namespace bertha
