// Splits of rows with several labels, and of numbers, against shares worked out by hand.
#include "data_pipeline/labelled/labelled_strata.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_splits.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using Labels = std::vector<std::vector<std::string>>;

std::size_t rows_with(const Labels& rows, const std::vector<std::size_t>& places,
                      const std::string& label) {
  return static_cast<std::size_t>(
      std::count_if(places.begin(), places.end(), [&](std::size_t place) {
        return std::count(rows[place].begin(), rows[place].end(), label) > 0;
      }));
}

// A label of 5 %: its share of 40 validation and 80 test rows, whatever the seed.
TEST(LabelStrata, ARareLabelIsInEverySplit) {
  Labels rows;
  for (int i = 0; i < 400; ++i) {
    auto& labels = rows.emplace_back();
    if (i % 2 == 0) labels.emplace_back("common");
    if (i % 20 == 0) labels.emplace_back("rare");
  }
  const auto strata = label_strata(rows);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto places = split_places(strata, {0.1, 0.2}, seed);
    ASSERT_EQ(places.validation.size(), 40U);
    ASSERT_EQ(places.test.size(), 80U);
    EXPECT_EQ(rows_with(rows, places.validation, "rare"), 2U);
    EXPECT_EQ(rows_with(rows, places.test, "rare"), 4U);
    EXPECT_NEAR(static_cast<double>(rows_with(rows, places.validation, "common")), 20, 1);
  }
}

TEST(LabelStrata, AreTheRarestLabels) {
  const auto strata = label_strata({{"a", "b"}, {"b"}, {"b", "a"}, {}, {"b", "b"}, {"c"}});
  EXPECT_EQ(strata[0], strata[2]);  // a, in whichever order
  EXPECT_EQ(strata[1], strata[4]);  // b
  EXPECT_EQ((std::set<std::string>(strata.begin(), strata.end()).size()), 4U);  // none, and c
}

// A row that alone has a label is trained on, unless that were most rows.
TEST(LabelStrata, LabelsOfOneRow) {
  Labels few(100), most(100);
  for (std::size_t i = 0; i < 100; ++i) {
    few[i] = {i % 2 == 0 ? "a" : "b"};
    most[i] = {i % 2 == 0 ? "a" : "b", std::to_string(i)};
  }
  few[7].emplace_back("alone");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto places = split_places(label_strata(few), {0.3, 0.3}, seed);
    EXPECT_EQ(rows_with(few, places.train, "alone"), 1U);
    EXPECT_EQ(split_places(label_strata(most), {0.3, 0.3}, seed).validation.size(), 30U);
  }
}

TEST(ValueStrata, AreFifthsBySize) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back((i * 37) % 100);
  const auto strata = value_strata(values);
  const auto places = split_places(strata, {0.1, 0}, 3);
  std::vector<int> counts(5);
  for (const auto place : places.validation) {
    ++counts[static_cast<std::size_t>(values[place] / 20)];
  }
  EXPECT_THAT(counts, ElementsAre(2, 2, 2, 2, 2));
}

TEST(ValueStrata, FewRowsOrEqualOnes) {
  EXPECT_THAT(value_strata({3, 1, 2}), ElementsAre("0", "0", "0"));
  EXPECT_THAT(value_strata({}), ElementsAre());
  std::vector<double> mostly(50, 0.0);
  for (std::size_t i = 0; i < 10; ++i) mostly[i] = 1 + static_cast<double>(i);
  const auto strata = value_strata(mostly);
  EXPECT_EQ(std::count(strata.begin(), strata.end(), "0"), 40);
  EXPECT_EQ(std::count(strata.begin(), strata.end(), "4"), 10);
}

}  // namespace
}  // namespace bertha
