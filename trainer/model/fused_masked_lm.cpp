// Logits stay in the compute type, in memory that is used again; where even that would be large
// they are computed a second time.
#include "trainer/model/fused_masked_lm.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "trainer/model/fused_layer.h"

namespace bertha {
namespace {

// How much memory logits may take until backward, and how many rows are enough for a fast product.
struct LogitLimits {
  std::int64_t kept_bytes, chunk_rows;
};
LogitLimits logit_limits(KernelDevice device) {
  if (device == KernelDevice::cuda) return {2LL << 30, 8192};
  return {256LL << 20, 512};
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
                            context->saved_data["gradient"].toTensor(),
                            kernel_device(gradients[0])};
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
    : config_(config),
      device_(words.device),
      parameters_(space, device_),
      decoder_(device_ == KernelDevice::cpu ? words
                                            : with_spare_rows(words, config.padded_vocabulary())) {
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
          .logit_row = logits.stride(0),
          .logits = elements<T>(logits),
          .bias = decoder_bias_.values,
          .labels = kept.labels.data_ptr<std::int64_t>() + first,
          .log_sum =
              elements<float>(kept.log_sum.sized(masked, 1, logits.options().dtype(at::kFloat))) +
              first,
          .bias_gradient = decoder_bias_.gradient};
}

at::Tensor FusedMaskedLm::logits_of(MaskedLmActivations& kept, std::int64_t rows) const {
  return kept.logits.sized(rows, decoder_.values.size(0), decoder_.values.options());
}

// rows -> output, the decoder's input.
template <class T>
void FusedMaskedLm::transform(const at::Tensor& rows, MaskedLmActivations& kept) const {
  const auto masked = rows.size(0), hidden = config_.hidden_size;
  const auto type = rows.options();
  const auto place = kernel_place(device_, rows);
  const auto transformed = kept.transformed.sized(masked, hidden, type);
  const auto normed = kept.normed.sized(masked, hidden, type);
  dense_forward(transform_, rows, transformed);
  activation_forward(
      ActivationJob<T>{fused_activation(config_.activation), masked, hidden,
                       elements<T>(transformed), transform_bias_.values, elements<T>(normed)},
      place);
  const ResidualNormJob<T> job{
      .rows = {},
      .row_count = masked,
      .columns = hidden,
      .values = elements<T>(normed),
      .bias = nullptr,
      .residual = nullptr,
      .scale = scale_.values,
      .shift = shift_.values,
      .inverse_deviation = elements<float>(kept.deviation.sized(masked, 1, type.dtype(at::kFloat))),
      .output = elements<T>(kept.output.sized(masked, hidden, type)),
      .epsilon = config_.layer_norm_epsilon,
      .dropout = {}};
  residual_norm_forward(job, place);
}

template <class T>
at::Tensor FusedMaskedLm::forward_as(const at::Tensor& hidden, MaskedLmActivations& kept,
                                     FusedScratch& scratch, bool keep) const {
  const auto masked = kept.positions.size(0), vocabulary = decoder_.values.size(0);
  const auto limits = logit_limits(device_);
  kept.tokens = hidden.size(0);
  auto rows = kept.rows.sized(masked, config_.hidden_size, hidden.options());
  at::index_select_out(rows, hidden, 0, kept.positions);
  transform<T>(rows, kept);

  kept.logits_kept = keep && masked * vocabulary * hidden.element_size() <= limits.kept_bytes;
  const auto logits =
      logits_of(kept, kept.logits_kept ? masked : std::min(masked, limits.chunk_rows));
  const auto output = kept.output.sized(masked, config_.hidden_size, hidden.options());
  const auto sums = at::zeros({2}, hidden.options().dtype(at::kDouble));
  const auto step = limits.chunk_rows;
  const auto place = kernel_place(device_, hidden, {step, config_.hidden_size}, scratch);
  for (std::int64_t begin = 0; begin < masked; begin += step) {
    const auto count = std::min(masked - begin, step);
    const auto chunk = logits.narrow(0, kept.logits_kept ? begin : 0, count);
    dense_forward(decoder_, output.narrow(0, begin, count), chunk);
    auto job = loss_job<T>(kept, chunk, begin);
    job.sums = elements<CrossEntropySums>(sums);
    cross_entropy_forward(job, place);
  }
  return sums;
}

template <class T>
void FusedMaskedLm::decoder_backward(const at::Tensor& weight, MaskedLmActivations& kept,
                                     FusedScratch& scratch,
                                     const at::Tensor& output_gradient) const {
  const auto masked = kept.positions.size(0);
  const auto type = output_gradient.options();
  const auto output = kept.output.sized(masked, config_.hidden_size, type);
  const auto step = kept.logits_kept ? masked : logit_limits(device_).chunk_rows;
  const auto logits = logits_of(kept, std::min(masked, step));
  const auto place = kernel_place(device_, logits, {step, config_.hidden_size}, scratch);
  for (std::int64_t begin = 0; begin < masked; begin += step) {
    const auto count = std::min(masked - begin, step);
    const auto chunk = logits.narrow(0, 0, count);
    const auto input = output.narrow(0, begin, count);
    if (!kept.logits_kept) dense_forward(decoder_, input, chunk);
    auto job = loss_job<T>(kept, chunk, begin);
    job.weight = elements<float>(weight);
    cross_entropy_backward(job, place);
    dense_input_gradient(decoder_, chunk, output_gradient.narrow(0, begin, count));
    dense_weight_gradient(decoder_, chunk, input, scratch);
  }
}

template <class T>
at::Tensor FusedMaskedLm::backward_as(const at::Tensor& weight, MaskedLmActivations& kept,
                                      FusedScratch& scratch) const {
  const auto masked = kept.positions.size(0), hidden = config_.hidden_size;
  const auto type = decoder_.values.options();
  const auto gradient = scratch.masked_sum.sized(masked, hidden, type);
  decoder_backward<T>(weight, kept, scratch, gradient);
  const auto place = kernel_place(device_, gradient, {masked, hidden}, scratch);
  const ResidualNormGradientJob<T> job{
      .rows = {},
      .row_count = masked,
      .columns = hidden,
      .output_gradient = elements<T>(gradient),
      .more_output_gradient = nullptr,
      .normalised = elements<T>(kept.normed.sized(masked, hidden, type)),
      .scale = scale_.values,
      .inverse_deviation = elements<float>(kept.deviation.sized(masked, 1, type.dtype(at::kFloat))),
      .residual_gradient = elements<T>(gradient),
      .values_gradient = nullptr,
      .scale_gradient = scale_.gradient,
      .shift_gradient = shift_.gradient,
      .bias_gradient = nullptr,
      .dropout = {}};
  residual_norm_backward(job, place);
  activation_backward(
      ActivationGradientJob<T>{fused_activation(config_.activation), masked, hidden,
                               elements<T>(kept.transformed.sized(masked, hidden, type)),
                               elements<T>(gradient), transform_bias_.values,
                               transform_bias_.gradient},
      place);
  const auto rows = kept.rows.sized(masked, hidden, type);
  dense_weight_gradient(transform_, gradient, rows, scratch);
  const auto rows_gradient = scratch.masked_more.sized(masked, hidden, type);
  dense_input_gradient(transform_, gradient, rows_gradient);
  parameters_.announce();
  auto hidden_gradient = at::zeros({kept.tokens, hidden}, rows_gradient.options());
  return hidden_gradient.index_add_(0, kept.positions, rows_gradient);
}

at::Tensor FusedMaskedLm::forward(const at::Tensor& hidden, MaskedLmActivations& kept,
                                  FusedScratch& scratch, bool keep) const {
  return hidden.scalar_type() == at::kBFloat16 ? forward_as<Bf16>(hidden, kept, scratch, keep)
                                               : forward_as<float>(hidden, kept, scratch, keep);
}

at::Tensor FusedMaskedLm::backward(const at::Tensor& weight, MaskedLmActivations& kept,
                                   FusedScratch& scratch) const {
  return decoder_.values.scalar_type() == at::kBFloat16 ? backward_as<Bf16>(weight, kept, scratch)
                                                        : backward_as<float>(weight, kept, scratch);
}

}  // namespace bertha
