// Logits stay in the compute type, in memory that is used again; where even that would be large
// they are computed a second time.
#include "trainer/model/fused_masked_lm.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "trainer/model/fused_layer.h"

namespace bertha {
namespace {

constexpr std::int64_t kKeptLogitsBytes = 256LL << 20;
constexpr std::int64_t kChunkRows = 512;  // large enough for a fast product

std::int64_t chunk_end(std::int64_t begin, std::int64_t rows) {
  return std::min(rows, begin + kChunkRows);
}

struct TiedDecoder : public torch::autograd::Function<TiedDecoder> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& bias, const FusedMatrix& words) {
    context->save_for_backward({input});
    context->saved_data["words"] = words.values;
    context->saved_data["gradient"] = words.gradient;
    return at::linear(input, words.values, bias);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const FusedMatrix words{context->saved_data["words"].toTensor(),
                            context->saved_data["gradient"].toTensor()};
    const auto gradient = gradients[0].contiguous();
    FusedScratch scratch;
    dense_weight_gradient(words, gradient, context->get_saved_variables()[0], scratch);
    return {at::mm(gradient, words.values), gradient.sum(0), at::Tensor()};
  }
};

}  // namespace

at::Tensor tied_decoder(const FusedMatrix& words, const at::Tensor& input, const at::Tensor& bias) {
  return TiedDecoder::apply(input, bias, words);
}

FusedMaskedLm::FusedMaskedLm(const BertConfig& config, const ParameterSpace& space,
                             const FusedMatrix& words)
    : config_(config), parameters_(space), words_(words) {
  const std::string prefix = "cls.predictions.";
  transform_ = parameters_.matrix(prefix + "transform.dense.weight");
  transform_bias_ = parameters_.vector(prefix + "transform.dense.bias");
  scale_ = parameters_.vector(prefix + "transform.LayerNorm.weight");
  shift_ = parameters_.vector(prefix + "transform.LayerNorm.bias");
  decoder_bias_ = parameters_.vector(prefix + "bias");
}

template <class T>
CrossEntropyJob<T> FusedMaskedLm::loss_job(MaskedLmActivations& kept, const at::Tensor& logits,
                                           std::int64_t first) const {
  const auto masked = kept.positions.size(0);
  return {.row_count = logits.size(0),
          .columns = config_.vocabulary_size,
          .logits = elements<T>(logits),
          .bias = decoder_bias_.values,
          .labels = kept.labels.data_ptr<std::int64_t>() + first,
          .log_sum = elements<float>(kept.log_sum.sized(masked, 1, at::kFloat)) + first,
          .bias_gradient = decoder_bias_.gradient};
}

// rows -> output, the decoder's input.
template <class T>
void FusedMaskedLm::transform(const at::Tensor& rows, MaskedLmActivations& kept) const {
  const auto masked = rows.size(0), hidden = config_.hidden_size;
  const auto type = rows.scalar_type();
  const auto transformed = kept.transformed.sized(masked, hidden, type);
  const auto normed = kept.normed.sized(masked, hidden, type);
  dense_forward(transform_, rows, transformed);
  activation_forward(ActivationJob<T>{fused_activation(config_.activation), masked, hidden,
                                      elements<T>(transformed), transform_bias_.values,
                                      elements<T>(normed)});
  residual_norm_forward(ResidualNormJob<T>{
      .rows = {},
      .row_count = masked,
      .columns = hidden,
      .values = elements<T>(normed),
      .bias = nullptr,
      .residual = nullptr,
      .scale = scale_.values,
      .shift = shift_.values,
      .inverse_deviation = elements<float>(kept.deviation.sized(masked, 1, at::kFloat)),
      .output = elements<T>(kept.output.sized(masked, hidden, type)),
      .epsilon = config_.layer_norm_epsilon,
      .dropout = {}});
}

template <class T>
CrossEntropySums FusedMaskedLm::forward_as(const at::Tensor& hidden, MaskedLmActivations& kept,
                                           bool keep) const {
  const auto masked = kept.positions.size(0), vocabulary = config_.vocabulary_size;
  const auto type = hidden.scalar_type();
  kept.tokens = hidden.size(0);
  auto rows = kept.rows.sized(masked, config_.hidden_size, type);
  at::index_select_out(rows, hidden, 0, kept.positions);
  transform<T>(rows, kept);

  kept.logits_kept = keep && masked * vocabulary * hidden.element_size() <= kKeptLogitsBytes;
  const auto logits =
      kept.logits.sized(kept.logits_kept ? masked : std::min(masked, kChunkRows), vocabulary, type);
  const auto output = kept.output.sized(masked, config_.hidden_size, type);
  CrossEntropySums sums;
  for (std::int64_t begin = 0; begin < masked; begin += kChunkRows) {
    const auto count = chunk_end(begin, masked) - begin;
    const auto chunk = logits.narrow(0, kept.logits_kept ? begin : 0, count);
    dense_forward(words_, output.narrow(0, begin, count), chunk);
    const auto part = cross_entropy_forward(loss_job<T>(kept, chunk, begin));
    sums.loss += part.loss;
    sums.correct += part.correct;
  }
  return sums;
}

template <class T>
void FusedMaskedLm::decoder_backward(float weight, MaskedLmActivations& kept, FusedScratch& scratch,
                                     const at::Tensor& output_gradient) const {
  const auto masked = kept.positions.size(0), vocabulary = config_.vocabulary_size;
  const auto type = output_gradient.scalar_type();
  const auto output = kept.output.sized(masked, config_.hidden_size, type);
  const auto step = kept.logits_kept ? masked : kChunkRows;
  const auto logits = kept.logits.sized(std::min(masked, step), vocabulary, type);
  for (std::int64_t begin = 0; begin < masked; begin += step) {
    const auto count = std::min(masked - begin, step);
    const auto chunk = logits.narrow(0, 0, count);
    const auto input = output.narrow(0, begin, count);
    if (!kept.logits_kept) dense_forward(words_, input, chunk);
    auto job = loss_job<T>(kept, chunk, begin);
    job.weight = weight;
    cross_entropy_backward(job);
    dense_input_gradient(words_, chunk, output_gradient.narrow(0, begin, count));
    dense_weight_gradient(words_, chunk, input, scratch);
  }
}

template <class T>
at::Tensor FusedMaskedLm::backward_as(float weight, MaskedLmActivations& kept,
                                      FusedScratch& scratch) const {
  const auto masked = kept.positions.size(0), hidden = config_.hidden_size;
  const auto type = words_.values.scalar_type();
  const auto gradient = scratch.masked_sum.sized(masked, hidden, type);
  decoder_backward<T>(weight, kept, scratch, gradient);
  residual_norm_backward(ResidualNormGradientJob<T>{
      .rows = {},
      .row_count = masked,
      .columns = hidden,
      .output_gradient = elements<T>(gradient),
      .more_output_gradient = nullptr,
      .normalised = elements<T>(kept.normed.sized(masked, hidden, type)),
      .scale = scale_.values,
      .inverse_deviation = elements<float>(kept.deviation.sized(masked, 1, at::kFloat)),
      .residual_gradient = elements<T>(gradient),
      .values_gradient = nullptr,
      .scale_gradient = scale_.gradient,
      .shift_gradient = shift_.gradient,
      .bias_gradient = nullptr,
      .dropout = {}});
  activation_backward(ActivationGradientJob<T>{
      fused_activation(config_.activation), masked, hidden,
      elements<T>(kept.transformed.sized(masked, hidden, type)), elements<T>(gradient),
      transform_bias_.values, transform_bias_.gradient});
  const auto rows = kept.rows.sized(masked, hidden, type);
  dense_weight_gradient(transform_, gradient, rows, scratch);
  const auto rows_gradient = scratch.masked_more.sized(masked, hidden, type);
  dense_input_gradient(transform_, gradient, rows_gradient);
  parameters_.announce();
  auto hidden_gradient = at::zeros({kept.tokens, hidden}, rows_gradient.options());
  return hidden_gradient.index_add_(0, kept.positions, rows_gradient);
}

CrossEntropySums FusedMaskedLm::forward(const at::Tensor& hidden, MaskedLmActivations& kept,
                                        bool keep) const {
  return hidden.scalar_type() == at::kBFloat16 ? forward_as<Bf16>(hidden, kept, keep)
                                               : forward_as<float>(hidden, kept, keep);
}

at::Tensor FusedMaskedLm::backward(float weight, MaskedLmActivations& kept,
                                   FusedScratch& scratch) const {
  return words_.values.scalar_type() == at::kBFloat16 ? backward_as<Bf16>(weight, kept, scratch)
                                                      : backward_as<float>(weight, kept, scratch);
}

}  // namespace bertha
