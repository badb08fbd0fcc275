// What a model folder has is taken from it, the rest drawn as a fresh model would have it.
#include "launch/initial_weights.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/safetensors.h"

namespace bertha {
namespace {

TEST(InitialWeights, OnlyWhatIsMissingIsDrawn) {
  std::string pattern = ::testing::TempDir() + "bertha_weights_XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "config.json") << "{}";
  const auto pooler = at::tensor({1.5F, -2.0F, 0.25F});
  write_safetensors(folder / "model.safetensors", {{"bert.pooler.dense.bias", pooler}}, {});
  const std::vector<ParameterSpec> specs{{"bert.pooler.dense.bias", {3}},
                                         {"classifier.weight", {2, 3}}};
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    ParameterSpace fresh(specs, precision, at::kCPU), loaded(specs, precision, at::kCPU);
    fresh.initialize(0.02, 5);
    load_initial_weights({.from = folder, .fresh = FreshWeights{0.02, 5}}, loaded);
    EXPECT_TRUE(at::equal(loaded.master_view(0), pooler));
    EXPECT_TRUE(at::equal(loaded.master_view(1), fresh.master_view(1)));
    EXPECT_TRUE(at::equal(loaded.leaf(1), fresh.leaf(1)));  // what the model computes with, too
    ParameterSpace kept(specs, precision, at::kCPU);
    try {
      load_initial_weights({.from = folder}, kept);
      FAIL() << "a missing weight is no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("has no weights classifier.weight"));
    }
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bertha
