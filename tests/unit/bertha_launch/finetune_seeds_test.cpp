// Options of the single runs, and statistics of their scores.
#include "launch/finetune_seeds.h"

#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

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
      seeds_json({{1, scores("0.5", 1)}, {2, scores("0.6", 2)}, {3, scores("0.9", 2)}}, "loss");
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["seeds"], 3);
  EXPECT_NEAR(json["test"]["accuracy"]["mean"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(json["test"]["accuracy"]["deviation"].get<double>(), 0.20816659994661, 1e-12);
  EXPECT_NEAR(json["validation"]["loss"]["mean"].get<double>(), 7.0 / 3, 1e-12);
  EXPECT_NEAR(json["validation"]["loss"]["deviation"].get<double>(), 1.15470053837925, 1e-12);
  EXPECT_FALSE(json["validation"].contains("epoch"));
  EXPECT_EQ(json["runs"][2]["seed"], 3);
  EXPECT_EQ(json["runs"][2]["test"]["accuracy"], 0.9);
  EXPECT_EQ(json["best_seed"], 1);
  EXPECT_EQ(json["metric"], "loss");
  EXPECT_EQ(seeds_summary(text), "test accuracy 0.6667 ± 0.2082");
}

// By the validation, never by the test; losses and errors downwards, of equal ones the first.
TEST_F(Seeds, TheBestByItsValidation) {
  const auto best_of = [](const std::vector<const char*>& values, const std::string& metric) {
    SeedScores runs;
    for (const char* value : values) {
      runs.emplace_back(
          runs.size() + 5,
          "{\"best_epoch\": 1, \"validation\": [{\"epoch\": 1, \"" + metric + "\": " + value +
              "}], \"test\": {\"accuracy\": " + std::to_string(9 - runs.size()) + "}}");
    }
    return nlohmann::json::parse(seeds_json(runs, metric))["best_seed"].get<int>();
  };
  EXPECT_EQ(best_of({"0.5", "0.75", "0.75", "0.25"}, "accuracy"), 6);
  EXPECT_EQ(best_of({"0.5", "0.25", "0.75", "0.25"}, "loss"), 6);
  EXPECT_EQ(best_of({"0.5", "0.25", "0.125"}, "mean_squared_error"), 7);
  EXPECT_EQ(best_of({"-0.5", "-0.25"}, "matthews_correlation"), 6);
  EXPECT_EQ(best_of({"null", "0.25", "null"}, "accuracy"), 6);
}

// scores.json and model/ of one folder are those of the same run or runs.
TEST_F(Seeds, DoNotShareAFolderWithASingleRun) {
  const auto refusal = [&](const fs::path& output, const char* seeds) -> std::string {
    try {
      check_output_of_seeds(read({"--task.train", "t.tsv", "--train.init", "m", "--train.output",
                                  output.string(), "--task.seeds", seeds},
                                 "finetune"));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    return "";
  };
  const auto root = fs::temp_directory_path() / ("bertha_seeds_" + std::to_string(::getpid()));
  fs::create_directories(root / "seeds" / "seed-7" / "model");
  fs::create_directories(root / "seeds" / "model");
  fs::create_directories(root / "single" / "checkpoints");
  fs::create_directories(root / "emptied" / "model");
  fs::create_directories(root / "other" / "seed-data");
  EXPECT_THAT(refusal(root / "single", "3"), HasSubstr("single holds a single run"));
  EXPECT_THAT(refusal(root / "emptied", "2"), HasSubstr("emptied holds a single run"));
  EXPECT_THAT(refusal(root / "seeds", "1"), HasSubstr("seeds holds runs of several seeds"));
  for (const char* folder : {"seeds", "other", "none"}) EXPECT_EQ(refusal(root / folder, "3"), "");
  for (const char* folder : {"single", "emptied", "other", "none"}) {
    EXPECT_EQ(refusal(root / folder, "1"), "");
  }
  fs::remove_all(root);
}

TEST_F(Seeds, WithoutATestValidationCounts) {
  const auto text = seeds_json({{1, scores("", 1, false)}, {2, scores("", 2, false)}}, "loss");
  EXPECT_EQ(seeds_summary(text), "validation loss 2.0000 ± 1.4142");
}

// A score that is no finite number makes its mean none, and hides no other.
TEST_F(Seeds, ScoresThatAreNoNumbers) {
  const auto text = seeds_json({{1, scores("null", 1)}, {2, scores("0.5", 2)}}, "loss");
  const auto json = nlohmann::json::parse(text);
  EXPECT_TRUE(json["test"]["accuracy"]["mean"].is_null());
  EXPECT_NEAR(json["validation"]["loss"]["mean"].get<double>(), 2, 1e-12);
  EXPECT_EQ(seeds_summary(text), "test accuracy nan ± nan");
}

TEST_F(Seeds, RefusesWhatIsNoScoresFile) {
  for (const char* text :
       {"", "{", "[]", "{\"best_epoch\": 9, \"validation\": [], \"test\": {}}",
        "{\"best_epoch\": 1, \"validation\": [{\"accuracy\": 1}], \"test\": {}}"}) {
    try {
      seeds_json({{1, text}}, "loss");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    }
  }
}

}  // namespace
}  // namespace bertha
