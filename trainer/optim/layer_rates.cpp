// Depth by Transformers' names.
#include "trainer/optim/layer_rates.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

std::int64_t depth_of(std::string_view name, std::int64_t layers) {
  constexpr std::string_view kLayer = "encoder.layer.";
  if (name.find("embeddings.") != std::string_view::npos) return 0;
  const auto at = name.find(kLayer);
  if (at == std::string_view::npos) return layers + 1;
  name.remove_prefix(at + kLayer.size());
  std::int64_t layer = 0;
  std::from_chars(name.data(), name.data() + name.size(), layer);
  return layer + 1;
}

void set_layer_rates(ParameterSpace& space, std::int64_t layers, const LayerRates& rates) {
  if (!(rates.decay > 0 && rates.decay <= 1)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.layer_decay = {}: expected a number above 0, at most 1", rates.decay));
  }
  if (rates.frozen < 0 || rates.frozen > layers) {
    throw Error(ErrorKind::usage, fmt::format("task.freeze_layers = {}: the model has {} layers",
                                              rates.frozen, layers));
  }
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    const auto depth = depth_of(space.parameters()[i].name, layers);
    const bool frozen = rates.frozen > 0 && depth <= rates.frozen;
    const auto rate = std::pow(rates.decay, static_cast<double>(layers + 1 - depth));
    space.set_rate(static_cast<int>(i), frozen ? 0 : rate);
  }
}

}  // namespace bertha
