// Slices of the flat space by parameter, out to files and back.
#include "trainer/training_state.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/hugging_face.h"

namespace bertha {

std::vector<NamedTensor> named_weights(const ParameterSpace& space) {
  std::vector<NamedTensor> weights;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    weights.push_back(
        {space.parameters()[i].name, space.master_view(static_cast<int>(i)).detach()});
  }
  return weights;
}

std::vector<MomentSlice> moment_slices(const ParameterSpace& space, Optimizer& optimizer) {
  return moment_slices(space, optimizer, optimizer.owned());
}

std::vector<MomentSlice> moment_slices(const ParameterSpace& space, Optimizer& optimizer,
                                       FlatRange range) {
  std::vector<MomentSlice> slices;
  const auto owned = optimizer.owned();
  for (const auto& moment : optimizer.moments()) {
    for (const auto& info : space.parameters()) {
      const auto begin = std::max({owned.begin, range.begin, info.offset});
      const auto end = std::min({owned.end, range.end, info.offset + info.elements});
      if (begin >= end) continue;
      slices.push_back({info.name, moment.name, begin - info.offset, end - info.offset,
                        moment.values.slice(0, begin - owned.begin, end - owned.begin)});
    }
  }
  return slices;
}

FlatRange moments_to_write(std::int64_t flat_size, FlatRange owned, const RankInfo& rank) {
  if (owned.size() < flat_size) return owned;
  // Weights are one part, the two moments two more: everyone writes 3 / world_size parts.
  const double ranks = rank.world_size;
  const double first = std::max(0.0, 3.0 / ranks - 1.0) / 2.0;  // rank 0's share of the moments
  const double each = rank.world_size > 1 ? (1.0 - first) / (ranks - 1.0) : 0.0;
  const auto cut = [&](int r) {
    const double share = r == 0 ? 0.0 : first + each * (r - 1);
    return r >= rank.world_size ? flat_size
                                : static_cast<std::int64_t>(share * static_cast<double>(flat_size));
  };
  return {cut(rank.rank), cut(rank.rank + 1)};
}

void restore(const std::filesystem::path& checkpoint, ParameterSpace& space, Optimizer& optimizer) {
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  const auto match = copy_weights(read_model_weights(checkpoint), destination);
  if (!match.missing.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} lacks the weight {}", checkpoint.string(), match.missing.front()),
                "resume with the model and data.next_sentence the run was started with");
  }
  space.copy_master_to_compute();
  auto slices = moment_slices(space, optimizer);
  read_moments(checkpoint, slices);
}

LossScalerState scaler_state(const TrainerState& state) {
  LossScalerState scaler;
  if (state.loss_scale > 0) scaler.scale = state.loss_scale;
  scaler.good_steps = state.loss_scale_good_steps;
  scaler.skipped_in_a_row = state.skipped_in_a_row;
  scaler.skipped = state.skipped_steps;
  return scaler;
}

void store_scaler_state(const LossScalerState& scaler, TrainerState& state) {
  state.loss_scale = scaler.scale;
  state.loss_scale_good_steps = scaler.good_steps;
  state.skipped_in_a_row = scaler.skipped_in_a_row;
  state.skipped_steps = scaler.skipped;
}

}  // namespace bertha
