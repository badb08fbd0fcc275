// The recipes in configs/: each is read without complaint and says what its first line promises.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <regex>

#include <gmock/gmock.h>

#include "tests/support/packing_fill.h"
#include "tests/unit/bertha_launch/option_fixture.h"
#include "trainer/metrics/throughput.h"
#include "trainer/model/bert_config.h"

namespace bertha {
namespace {

std::filesystem::path configs_folder() {
  const char* source = std::getenv("BERTHA_SOURCE");
  return std::filesystem::path(source ? source : ".") / "configs";
}

RunConfig recipe(const std::string& name) {
  const auto command = name.starts_with("finetune") ? "finetune" : "pretrain";
  return read_options(command, {"--config", (configs_folder() / (name + ".ini")).string()});
}

class Recipes : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(configs_folder())) {
      GTEST_SKIP() << "BERTHA_SOURCE does not name the source";
    }
  }
};

TEST_F(Recipes, AllAreReadAndBeginWithAComment) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(configs_folder())) {
    if (entry.path().extension() != ".ini") continue;
    ++count;
    EXPECT_NO_THROW(recipe(entry.path().stem().string())) << entry.path();
    std::string first;
    std::ifstream file(entry.path());
    std::getline(file, first);
    EXPECT_TRUE(first.starts_with("# ")) << entry.path();
  }
  EXPECT_GE(count, 10U);
}

// "Cost: 59 G tokens, about 3e19 operations." in the comment that a recipe begins with.
struct Cost {
  double tokens = 0, operations = 0;
};
Cost stated_cost(const std::string& name) {
  std::ifstream file(configs_folder() / (name + ".ini"));
  std::string head, line;
  while (std::getline(file, line) && line.starts_with("# ")) head += line.substr(1);
  std::smatch found;
  Cost cost;
  if (std::regex_search(head, found, std::regex("Cost: ([0-9.]+) ([MG]) tokens"))) {
    cost.tokens = std::stod(found[1]) * (found[2] == "G" ? 1e9 : 1e6);
  }
  if (std::regex_search(head, found, std::regex("([0-9.]+e[0-9]+) operations"))) {
    cost.operations = std::stod(found[1]);
  }
  return cost;
}

// Full sequences, a vocabulary of 30,522; three times the forward pass's products.
Cost computed_cost(const RunConfig& config) {
  const auto model = bert_preset(config.trainer.model.size);
  const double length = config.data.sequence_length;
  Cost cost;
  cost.tokens = static_cast<double>(config.trainer.train.steps) *
                static_cast<double>(config.trainer.train.global_batch) * length;
  const ModelShape shape{model.layers, model.hidden_size, model.intermediate_size, 30'522};
  cost.operations = training_flops(shape, cost.tokens, cost.tokens * length, 0.15 * cost.tokens);
  return cost;
}

TEST_F(Recipes, StateWhatTheyCost) {
  for (const auto& entry : std::filesystem::directory_iterator(configs_folder())) {
    if (entry.path().extension() != ".ini") continue;
    const auto name = entry.path().stem().string();
    std::ifstream file(entry.path());
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(text.substr(0, 500), testing::HasSubstr("Cost")) << name;
    if (name.starts_with("finetune")) continue;
    const auto stated = stated_cost(name), computed = computed_cost(recipe(name));
    EXPECT_NEAR(stated.tokens / computed.tokens, 1, 0.1) << name << ": " << computed.tokens;
    if (stated.operations > 0) {
      EXPECT_NEAR(stated.operations / computed.operations, 1, 0.3)
          << name << ": " << computed.operations;
    }
  }
}

// Liu et al. 2019, appendix: hyper-parameters of RoBERTa-base.
TEST_F(Recipes, RobertaFollowsItsPaper) {
  const auto roberta = recipe("roberta_base").trainer;
  EXPECT_EQ(roberta.learning_rate, 6e-4);
  EXPECT_EQ(roberta.train.steps, 500'000);
  EXPECT_EQ(roberta.schedule.warmup_steps, 24'000);
  EXPECT_EQ(roberta.optimizer.epsilon, 1e-6);
  EXPECT_EQ(roberta.clip_norm, 0);
}

// NVIDIA DeepLearningExamples, BERT for PyTorch: LAMB, 65,536 and 32,768 sequences.
TEST_F(Recipes, BasePhasesFollowTheLambRecipe) {
  const auto first = recipe("bert_base_phase1");
  EXPECT_EQ(first.trainer.train.global_batch, 65'536);
  EXPECT_EQ(first.trainer.train.steps, 7'038);
  EXPECT_EQ(first.trainer.learning_rate, 6e-3);
  EXPECT_EQ(first.trainer.schedule.warmup_steps, 2'000);  // 0.2843 of 7,038 steps is 2,000.9
  EXPECT_EQ(first.data.masking.max_predictions, 20);
  const auto second = recipe("bert_base_phase2");
  EXPECT_EQ(second.trainer.train.global_batch, 32'768);
  EXPECT_EQ(second.trainer.train.steps, 1'563);
  EXPECT_EQ(second.trainer.learning_rate, 4e-3);
  EXPECT_EQ(second.trainer.schedule.warmup_steps, 200);  // 0.128 of 1,563 steps is 200.1
  EXPECT_EQ(second.data.sequence_length, 512);
  EXPECT_EQ(second.data.masking.max_predictions, 80);
  EXPECT_EQ(second.trainer.optimizer.name, OptimizerName::lamb);  // from phase 1
  EXPECT_EQ(second.trainer.schedule.power, 0.5);
}

TEST_F(Recipes, SecondPhaseFillsItsMicroBatchesOnEightRanks) {
  const auto& train = recipe("bert_base_phase2").trainer.train;
  EXPECT_GE(mean_fill(static_cast<std::size_t>(train.global_batch), 8, train.micro_batch_tokens),
            99.3);
}

TEST_F(Recipes, LargeDiffersFromBaseInSizeOnly) {
  for (const std::string phase : {"phase1", "phase2"}) {
    auto large = recipe("bert_large_" + phase).resolved;
    auto base = recipe("bert_base_" + phase).resolved;
    EXPECT_EQ(large.at("model.size"), "large");
    large.erase("model.size");
    base.erase("model.size");
    EXPECT_EQ(large, base);
  }
}

TEST_F(Recipes, RobertaHasNoPairsAndChineseMasksCharacters) {
  EXPECT_FALSE(recipe("roberta_base").data.next_sentence);
  EXPECT_EQ(recipe("roberta_base").trainer.optimizer.beta2, 0.98);
  EXPECT_EQ(recipe("chinese").data.masking.strategy, MaskingStrategy::character);
}

}  // namespace
}  // namespace bertha
