// Embedding kernels on packed tokens.
#include "trainer/model/fused_embeddings.h"

#include <tuple>

#include <ATen/ATen.h>

#include "trainer/model/dropout.h"

namespace bertha {
namespace {

// Ids sorted for kernels that add to tables in a fixed order.
struct InOrder {
  InOrder(const at::Tensor& ids, KernelDevice device) {
    if (device == KernelDevice::cpu) return;
    std::tie(values, rows) = at::sort(ids, /*stable=*/true, 0, /*descending=*/false);
  }
  SortedIds view() const {
    if (!values.defined()) return {};
    return {elements<std::int64_t>(values), elements<std::int64_t>(rows)};
  }
  at::Tensor values, rows;
};

}  // namespace

FusedEmbeddings::FusedEmbeddings(const BertConfig& config, const ParameterSpace& space,
                                 KernelDevice device)
    : config_(config), parameters_(space, device) {
  words_ = parameters_.matrix("bert.embeddings.word_embeddings.weight");
  positions_ = parameters_.matrix("bert.embeddings.position_embeddings.weight");
  segments_ = parameters_.matrix("bert.embeddings.token_type_embeddings.weight");
  scale_ = parameters_.vector("bert.embeddings.LayerNorm.weight");
  shift_ = parameters_.vector("bert.embeddings.LayerNorm.bias");
}

template <class T>
void FusedEmbeddings::forward_as(const FusedPass& pass, EmbeddingActivations& kept) const {
  const auto tokens = pass.count(), hidden = config_.hidden_size;
  const auto type = words_.values.options();
  const EmbeddingJob<T> job{
      .rows = pass.rows(),
      .columns = hidden,
      .tokens = pass.tokens.data_ptr<std::int64_t>(),
      .segments = pass.segments.data_ptr<std::int64_t>(),
      .positions = pass.positions.data_ptr<std::int64_t>(),
      .words = elements<T>(words_.values),
      .segment_table = elements<T>(segments_.values),
      .position_table = elements<T>(positions_.values),
      .scale = scale_.values,
      .shift = shift_.values,
      .normalised = elements<T>(kept.normed.sized(tokens, hidden, type)),
      .inverse_deviation = elements<float>(kept.deviation.sized(tokens, 1, type.dtype(at::kFloat))),
      .output = elements<T>(kept.output.sized(tokens, hidden, type)),
      .epsilon = config_.layer_norm_epsilon,
      .dropout = pass.dropout(kEmbeddingDropout, config_.hidden_dropout)};
  embedding_forward(job, kernel_place(words_.device, words_.values));
}

template <class T>
void FusedEmbeddings::backward_as(const FusedPass& pass, EmbeddingActivations& kept,
                                  FusedScratch& scratch,
                                  const SplitGradient& output_gradient) const {
  const auto tokens = pass.count(), hidden = config_.hidden_size;
  const auto type = words_.values.options();
  auto gradient = scratch.sum.sized(tokens, hidden, type);
  if (!gradient.is_same(output_gradient.first) &&
      gradient.data_ptr() != output_gradient.first.data_ptr()) {
    gradient.copy_(output_gradient.first);  // a model without layers: autograd's own tensor
  }
  const InOrder tokens_in_order(pass.tokens, words_.device);
  const InOrder segments_in_order(pass.segments, words_.device);
  const InOrder positions_in_order(pass.positions, words_.device);
  // As in Transformers, looking up the padding token gives its row no gradient.
  const bool padding = config_.pad_token_id < config_.vocabulary_size;
  const EmbeddingGradientJob<T> job{
      .rows = pass.rows(),
      .columns = hidden,
      .tokens = pass.tokens.data_ptr<std::int64_t>(),
      .segments = pass.segments.data_ptr<std::int64_t>(),
      .positions = pass.positions.data_ptr<std::int64_t>(),
      .padding = padding ? config_.pad_token_id : -1,
      .gradient = elements<T>(gradient),
      .more_gradient =
          output_gradient.second.defined() ? elements<T>(output_gradient.second) : nullptr,
      .normalised = elements<T>(kept.normed.sized(tokens, hidden, type)),
      .scale = scale_.values,
      .inverse_deviation = elements<float>(kept.deviation.sized(tokens, 1, type.dtype(at::kFloat))),
      .words = words_.gradient.data_ptr<float>(),
      .segment_table = segments_.gradient.data_ptr<float>(),
      .position_table = positions_.gradient.data_ptr<float>(),
      .scale_gradient = scale_.gradient,
      .shift_gradient = shift_.gradient,
      .dropout = pass.dropout(kEmbeddingDropout, config_.hidden_dropout),
      .sorted = {tokens_in_order.view(), segments_in_order.view(), positions_in_order.view()}};
  embedding_backward(job, kernel_place(words_.device, gradient, {tokens, hidden}, scratch));
  parameters_.announce();
}

at::Tensor FusedEmbeddings::forward(const FusedPass& pass, EmbeddingActivations& kept) const {
  const auto type = words_.values.options();
  if (words_.values.scalar_type() == at::kBFloat16) {
    forward_as<Bf16>(pass, kept);
  } else {
    forward_as<float>(pass, kept);
  }
  return kept.output.sized(pass.count(), config_.hidden_size, type);
}

void FusedEmbeddings::backward(const FusedPass& pass, EmbeddingActivations& kept,
                               FusedScratch& scratch, const SplitGradient& output_gradient) const {
  if (words_.values.scalar_type() == at::kBFloat16) {
    backward_as<Bf16>(pass, kept, scratch, output_gradient);
  } else {
    backward_as<float>(pass, kept, scratch, output_gradient);
  }
}

}  // namespace bertha
