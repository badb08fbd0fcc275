// Finds the stages by the parameters' names.
#include "trainer/model/forward_stages.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace bertha {
namespace {

std::int64_t end_of(const ParameterSpace& space, const std::string& prefix) {
  std::int64_t end = 0;
  for (const auto& info : space.parameters()) {
    if (info.name.starts_with(prefix)) end = std::max(end, info.offset + info.elements);
  }
  return end;
}

}  // namespace

ForwardStages::ForwardStages(const ParameterSpace& space, std::int64_t layers) : space_(&space) {
  ends_.push_back(end_of(space, "bert.embeddings."));
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    ends_.push_back(end_of(space, fmt::format("bert.encoder.layer.{}.", layer)));
  }
}

}  // namespace bertha
