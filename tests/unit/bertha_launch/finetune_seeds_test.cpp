// Options of the single runs, and statistics of their scores.
#include "launch/finetune_seeds.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

class Seeds : public OptionTest {};

TEST_F(Seeds, RunsDifferInSeedAndFolderOnly) {
  const auto config = read({"--task.train", "t.tsv", "--train.init", "m", "--train.output", "tuned",
                            "--task.seeds", "3", "--train.seed", "7"},
                           "finetune");
  const auto last = config_of_seed(config, 2);
  EXPECT_EQ(last.trainer.train.seed, 9U);
  EXPECT_EQ(last.trainer.train.output, "tuned/seed-9");
  EXPECT_EQ(last.task.split_seed, 7U);  // the same data for all
  EXPECT_EQ(last.task.seeds, 1);
  // What the run's resolved.ini says, and what resuming it compares.
  auto expected = config.resolved;
  expected["train.seed"] = "9";
  expected["train.output"] = "tuned/seed-9";
  expected["task.seeds"] = "1";
  expected["task.split_seed"] = "7";
  EXPECT_EQ(last.resolved, expected);
}

std::string scores(const char* accuracy, int best_epoch, bool test = true) {
  const std::string tested = test ? std::string("{\"accuracy\": ") + accuracy + "}" : "{}";
  return "{\"best_epoch\": " + std::to_string(best_epoch) +
         ", \"validation\": [{\"epoch\": 1, \"loss\": 1}, {\"epoch\": 2, \"loss\": 3}], "
         "\"test\": " +
         tested + "}";
}

// By hand: the deviation of 0.5, 0.6, 0.9 around 0.6667 is sqrt(0.0867 / 2) = 0.2082; of 1, 3, 3
// sqrt(2.6667 / 2) = 1.1547.
TEST_F(Seeds, MeanAndDeviation) {
  const auto text =
      seeds_json({{1, scores("0.5", 1)}, {2, scores("0.6", 2)}, {3, scores("0.9", 2)}});
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["seeds"], 3);
  EXPECT_NEAR(json["test"]["accuracy"]["mean"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(json["test"]["accuracy"]["deviation"].get<double>(), 0.20816659994661, 1e-12);
  EXPECT_NEAR(json["validation"]["loss"]["mean"].get<double>(), 7.0 / 3, 1e-12);
  EXPECT_NEAR(json["validation"]["loss"]["deviation"].get<double>(), 1.15470053837925, 1e-12);
  EXPECT_FALSE(json["validation"].contains("epoch"));
  EXPECT_EQ(json["runs"][2]["seed"], 3);
  EXPECT_EQ(json["runs"][2]["test"]["accuracy"], 0.9);
  EXPECT_EQ(seeds_summary(text), "test accuracy 0.6667 ± 0.2082");
}

TEST_F(Seeds, WithoutATestValidationCounts) {
  const auto text = seeds_json({{1, scores("", 1, false)}, {2, scores("", 2, false)}});
  EXPECT_EQ(seeds_summary(text), "validation loss 2.0000 ± 1.4142");
}

// A score that is no finite number makes its mean none, and hides no other.
TEST_F(Seeds, ScoresThatAreNoNumbers) {
  const auto text = seeds_json({{1, scores("null", 1)}, {2, scores("0.5", 2)}});
  const auto json = nlohmann::json::parse(text);
  EXPECT_TRUE(json["test"]["accuracy"]["mean"].is_null());
  EXPECT_NEAR(json["validation"]["loss"]["mean"].get<double>(), 2, 1e-12);
  EXPECT_EQ(seeds_summary(text), "test accuracy nan ± nan");
}

TEST_F(Seeds, RefusesWhatIsNoScoresFile) {
  for (const char* text :
       {"", "{", "[]", "{\"best_epoch\": 9, \"validation\": [], \"test\": {}}"}) {
    try {
      seeds_json({{1, text}});
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    }
  }
}

}  // namespace
}  // namespace bertha
