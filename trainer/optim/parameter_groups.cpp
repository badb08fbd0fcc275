// Decay by name, and the flat space cut at parameter borders.
#include "trainer/optim/parameter_groups.h"

#include <algorithm>

namespace bertha {

bool decays(std::string_view parameter_name) {
  return !parameter_name.ends_with("bias") &&
         parameter_name.find("LayerNorm.") == std::string_view::npos;
}

std::vector<ParameterPart> parameter_parts(const ParameterSpace& space, FlatRange owned) {
  std::vector<ParameterPart> parts;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    const auto& info = space.parameters()[i];
    const FlatRange range{std::max(owned.begin, info.offset),
                          std::min(owned.end, info.offset + info.elements)};
    if (range.begin >= range.end) continue;
    parts.push_back({i, range, decays(info.name), range.size() == info.elements, info.rate});
  }
  return parts;
}

std::vector<DecayRun> decay_runs(const ParameterSpace& space, FlatRange owned) {
  std::vector<DecayRun> runs;
  for (const auto& part : parameter_parts(space, owned)) {
    if (!runs.empty() && runs.back().decays == part.decays && runs.back().rate == part.rate) {
      runs.back().range.end = part.range.end;
    } else {
      runs.push_back({part.range, part.decays, part.rate});
    }
  }
  return runs;
}

}  // namespace bertha
