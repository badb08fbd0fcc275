// Decay by name, and how an owned range is cut at parameter borders.
#include "trainer/optim/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using testing::ElementsAre;

TEST(ParameterGroups, BiasesAndLayerNormsDoNotDecay) {
  for (const char* name :
       {"bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight",
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.11.attention.output.dense.weight", "bert.pooler.dense.weight",
        "cls.predictions.transform.dense.weight", "cls.seq_relationship.weight",
        "classifier.weight", "qa_outputs.weight"}) {
    EXPECT_TRUE(decays(name)) << name;
  }
  for (const char* name :
       {"bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias",
        "bert.encoder.layer.0.attention.self.query.bias",
        "bert.encoder.layer.3.output.LayerNorm.weight", "bert.pooler.dense.bias",
        "cls.predictions.bias", "cls.predictions.transform.LayerNorm.weight", "classifier.bias"}) {
    EXPECT_FALSE(decays(name)) << name;
  }
}

// Offsets 0, 64, 128, 192, 320 (100 elements take 128), 384.
const std::vector<ParameterSpec> kSpecs{{"a.weight", {10}},
                                        {"b.weight", {64}},
                                        {"b.bias", {8}},
                                        {"LayerNorm.weight", {100}},
                                        {"c.weight", {4, 5}}};

class CutTest : public testing::Test {
 protected:
  ParameterSpace space{kSpecs, Precision::fp32, at::kCPU};
};

TEST_F(CutTest, JoinsNeighboursOfEqualDecay) {
  EXPECT_THAT(decay_runs(space, {0, space.size()}),
              ElementsAre(DecayRun{{0, 128}, true}, DecayRun{{128, 292}, false},
                          DecayRun{{320, 340}, true}));
}

TEST_F(CutTest, ParametersOfAnotherRateStandAlone) {
  space.set_rate(1, 0.5);
  EXPECT_THAT(decay_runs(space, {0, space.size()}),
              ElementsAre(DecayRun{{0, 10}, true}, DecayRun{{64, 128}, true, 0.5},
                          DecayRun{{128, 292}, false}, DecayRun{{320, 340}, true}));
}

TEST_F(CutTest, KeepsToTheOwnedRange) {
  EXPECT_THAT(decay_runs(space, {64, 256}),
              ElementsAre(DecayRun{{64, 128}, true}, DecayRun{{128, 256}, false}));
  EXPECT_THAT(decay_runs(space, {256, 320}), ElementsAre(DecayRun{{256, 292}, false}));
  EXPECT_TRUE(decay_runs(space, {128, 128}).empty());
}

TEST_F(CutTest, KnowsWhichParametersAreCut) {
  const auto parts = parameter_parts(space, {64, 256});
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].parameter, 1U);
  EXPECT_TRUE(parts[0].whole && parts[1].whole);
  EXPECT_FALSE(parts[2].whole);
  EXPECT_EQ(parts[2].parameter, 3U);
  EXPECT_EQ(parts[2].range, (FlatRange{192, 256}));
  EXPECT_FALSE(parts[2].decays);
}

}  // namespace
}  // namespace bertha
