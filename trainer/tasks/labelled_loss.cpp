// Each loss in a few lines of ATen.
#include "trainer/tasks/labelled_loss.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "parallel/base/error.h"
#include "trainer/tasks/device_batch.h"

namespace bertha {
namespace {

constexpr std::int64_t kIgnored = -1;

void require(bool fits) {
  if (!fits) throw Error(ErrorKind::internal, "labels that do not fit the model's outputs");
}

at::Tensor values_on(const std::vector<float>& values, at::Device device) {
  auto tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor.to(device);
}

// Rows without a class count nothing.
LossSum cross_entropy(const at::Tensor& outputs, const std::vector<std::int32_t>& labels,
                      const at::Tensor& weights = {}) {
  require(static_cast<std::int64_t>(labels.size()) == outputs.size(0));
  require(std::all_of(labels.begin(), labels.end(), [&](std::int32_t label) {
    return label >= kIgnored && label < outputs.size(1);
  }));
  const auto expected = indices_on(labels, outputs.device());
  return {at::cross_entropy_loss(outputs, expected, weights, at::Reduction::Sum, kIgnored),
          outputs.detach().argmax(1).eq(expected).sum()};
}

LossSum squared_error(const at::Tensor& outputs, const std::vector<float>& values) {
  require(static_cast<std::int64_t>(values.size()) == outputs.size(0) && outputs.size(1) == 1);
  const auto expected = values_on(values, outputs.device());
  return {at::mse_loss(outputs.squeeze(1), expected, at::Reduction::Sum), {}};
}

LossSum binary_cross_entropy(const at::Tensor& outputs, const std::vector<float>& values,
                             const at::Tensor& positive_weights) {
  require(static_cast<std::int64_t>(values.size()) == outputs.numel());
  const auto expected = values_on(values, outputs.device()).view(outputs.sizes());
  return {at::binary_cross_entropy_with_logits(outputs, expected, {}, positive_weights,
                                               at::Reduction::Sum),
          outputs.detach().gt(0).eq(expected.gt(0.5)).sum()};
}

// Places of packed rows in a [B * longest] grid.
at::Tensor grid_places(const std::vector<std::int32_t>& offsets, std::int64_t longest,
                       at::Device device) {
  std::vector<std::int32_t> places;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto begin = static_cast<std::int32_t>(static_cast<std::int64_t>(s) * longest);
    for (std::int32_t i = 0; i < offsets[s + 1] - offsets[s]; ++i) places.push_back(begin + i);
  }
  return indices_on(places, device);
}

// Both choices are made among the rows of their own sequence: [2 B, longest] with nothing beyond.
LossSum span(const at::Tensor& outputs, const LossTargets& targets) {
  const auto& offsets = targets.sequence_offsets;
  const auto sequences = static_cast<std::int64_t>(offsets.size()) - 1;
  require(outputs.size(1) == 2 && offsets.back() == outputs.size(0));
  require(static_cast<std::int64_t>(targets.labels.size()) == 2 * sequences);
  std::int64_t longest = 0;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto length = offsets[s + 1] - offsets[s];
    longest = std::max<std::int64_t>(longest, length);
    for (const auto label : {targets.labels[2 * s], targets.labels[2 * s + 1]}) {
      require(label >= kIgnored && label < length);
    }
  }
  const auto nothing = at::full({sequences * longest, 2}, -std::numeric_limits<float>::infinity(),
                                outputs.options().requires_grad(false));
  const auto grid = nothing.index_copy(0, grid_places(offsets, longest, outputs.device()), outputs);
  const auto choices = grid.view({sequences, longest, 2}).transpose(1, 2);
  return cross_entropy(choices.reshape({2 * sequences, longest}), targets.labels);
}

}  // namespace

LossSum labelled_loss(LossKind kind, const at::Tensor& outputs, const LossTargets& targets) {
  switch (kind) {
    case LossKind::cross_entropy:
      return cross_entropy(outputs, targets.labels, targets.class_weights);
    case LossKind::mean_squared_error:
      return squared_error(outputs, targets.values);
    case LossKind::binary_cross_entropy:
      return binary_cross_entropy(outputs, targets.values, targets.class_weights);
    case LossKind::span:
      return span(outputs, targets);
  }
  throw Error(ErrorKind::internal, "unknown loss");
}

double loss_terms(LossKind kind, double labels, double sequences, double outputs) {
  const bool by_labels = kind == LossKind::cross_entropy || kind == LossKind::span;
  return by_labels ? labels : sequences * outputs;
}

}  // namespace bertha
