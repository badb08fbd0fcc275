// A forward pass wants weights no earlier than it needs them: embeddings, layer by layer, the rest.
#include "trainer/model/forward_stages.h"

#include <vector>

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fused_paths.h"

namespace bertha {
namespace {

std::int64_t end_of(const ParameterSpace& space, const std::string& name) {
  const auto& info = space.parameters().at(static_cast<std::size_t>(space.find(name)));
  return info.offset + info.elements;
}

std::vector<std::int64_t> wanted_by(TestPath& path, bool learns) {
  std::vector<std::int64_t> wanted;
  const auto batch = make_test_batch(path.bert.config(), {5, 17}, 4);
  path.space.on_weights_wanted([&](std::int64_t end) { wanted.push_back(end); });
  at::AutoGradMode mode(learns);
  path.bert.encode(batch.input, {learns, 1, 1});
  path.space.on_weights_wanted({});
  return wanted;
}

TEST(ForwardStages, AreThoseOfTheModel) {
  for (const auto implementation : {Implementation::reference, Implementation::fused}) {
    for (const bool learns : {true, false}) {
      TestPath path(path_config(64, 4, 128), implementation);
      EXPECT_THAT(
          wanted_by(path, learns),
          ::testing::ElementsAre(end_of(path.space, "bert.embeddings.LayerNorm.bias"),
                                 end_of(path.space, "bert.encoder.layer.0.output.LayerNorm.bias"),
                                 end_of(path.space, "bert.encoder.layer.1.output.LayerNorm.bias"),
                                 path.space.size()));
    }
  }
}

// Recomputed layers of the reference path take their weights all at once.
TEST(ForwardStages, NothingIsForgotten) {
  auto config = path_config(64, 4, 128);
  config.recompute = Recompute::layers;
  for (const auto implementation : {Implementation::reference, Implementation::fused}) {
    TestPath path(config, implementation);
    EXPECT_EQ(wanted_by(path, true).back(), path.space.size());
  }
}

}  // namespace
}  // namespace bertha
