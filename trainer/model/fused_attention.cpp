// Projections through ATen or cuBLAS, attention by whoever is fastest.
#include "trainer/model/fused_attention.h"

#include <ATen/ATen.h>

#include "trainer/model/dropout.h"

namespace bertha {

AttentionBy attention_by(const BertConfig& config, KernelDevice device, at::ScalarType type) {
  if (device == KernelDevice::cpu || type != at::kBFloat16) return AttentionBy::plain;
  if (config.head_size() == FlashAttentionJob::kHeadSize) return AttentionBy::tiles;
  return takes_library_attention(device, type, config.head_size()) ? AttentionBy::library
                                                                   : AttentionBy::plain;
}

AttentionBy FusedAttention::by(const at::Tensor& values) const {
  return attention_by(config_, device_, values.scalar_type());
}

FusedDropout FusedAttention::dropout(const FusedPass& pass) const {
  return pass.dropout(dropout_site(layer_, LayerDropout::attention), config_.attention_dropout);
}

FusedAttention::FusedAttention(const BertConfig& config, FusedParameters& parameters,
                               const std::string& prefix, std::int64_t layer, KernelDevice device)
    : config_(config), layer_(layer), device_(device) {
  const auto hidden = config.hidden_size;
  mixed_ =
      parameters.stacked({prefix + "query.weight", prefix + "key.weight", prefix + "value.weight"});
  query_ = some_outputs(mixed_.front(), 0, hidden);
  key_value_ = mixed_.size() == 1 ? std::vector{some_outputs(mixed_[0], hidden, 2 * hidden)}
                                  : std::vector{mixed_[1], mixed_[2]};
  mixed_bias_[0] = parameters.vector(prefix + "query.bias");
  mixed_bias_[1] = parameters.vector(prefix + "key.bias");
  mixed_bias_[2] = parameters.vector(prefix + "value.bias");
  mixed_bias_values_ = parameters.stacked_values(
      {prefix + "query.bias", prefix + "key.bias", prefix + "value.bias"});
  const auto& all = mixed_bias_values_;
  query_bias_values_ = {all.front().narrow(0, 0, hidden)};
  key_value_bias_values_ = all.size() == 1 ? std::vector{all[0].narrow(0, hidden, 2 * hidden)}
                                           : std::vector{all[1], all[2]};
}

at::Tensor FusedAttention::mixed_of(const FusedPass& pass, bool few, AttentionActivations& kept,
                                    const at::TensorOptions& type) const {
  return kept.mixed.sized(pass.count(), (few ? 2 : 3) * config_.hidden_size, type);
}

template <class T>
AttentionJob<T> FusedAttention::plain_job(const FusedPass& pass, bool few,
                                          AttentionActivations& kept,
                                          const at::Tensor& output) const {
  AttentionJob<T> job{
      .rows = pass.rows(),
      .heads = config_.attention_heads,
      .head_size = config_.head_size(),
      .mixed = elements<T>(mixed_of(pass, few, kept, output.options())),
      .bias = {},
      .log_sum = elements<float>(kept.log_sum.sized(config_.attention_heads, output.size(0),
                                                    output.options().dtype(at::kFloat))),
      .output = elements<T>(output),
      .bias_gradient = {},
      .dropout = dropout(pass)};
  for (int part = 0; part < 3; ++part) {
    job.bias[part] = mixed_bias_[part].values;
    job.bias_gradient[part] = mixed_bias_[part].gradient;
  }
  if (few) {
    const auto queries = kept.query.sized(output.size(0), output.size(1), output.options());
    job.queries = {pass.needed.offsets.data(), elements<std::int64_t>(pass.needed.rows),
                   elements<T>(queries)};
  }
  return job;
}

FlashAttentionJob FusedAttention::tiles_job(const FusedPass& pass, bool few,
                                            AttentionActivations& kept,
                                            const at::Tensor& output) const {
  const auto rows = pass.rows();
  const auto hidden = config_.hidden_size;
  const auto mixed = mixed_of(pass, few, kept, output.options());
  const auto asking = few ? kept.query.sized(output.size(0), hidden, output.options()) : mixed;
  const auto* keys = elements<Bf16>(mixed) + (few ? 0 : hidden);
  const auto log_sum = kept.log_sum.sized(config_.attention_heads, output.size(0),
                                          output.options().dtype(at::kFloat));
  return {.query_offsets = few ? elements<std::int32_t>(pass.needed_offsets) : rows.offsets,
          .key_offsets = rows.offsets,
          .samples = rows.samples,
          .sequences = rows.sequences,
          .query_count = output.size(0),
          .longest_queries = few ? pass.needed.longest() : rows.longest,
          .longest_keys = rows.longest,
          .heads = config_.attention_heads,
          .query = elements<Bf16>(asking),
          .key = keys,
          .value = keys + hidden,
          .query_row = asking.stride(0),
          .key_row = mixed.stride(0),
          .log_sum = elements<float>(log_sum),
          .output = elements<Bf16>(output),
          .dropout = dropout(pass)};
}

void FusedAttention::project(bool few, bool with_bias, const at::Tensor& input,
                             const at::Tensor& asking, const at::Tensor& mixed,
                             AttentionActivations& kept) const {
  const auto product = [&](const std::vector<FusedMatrix>& weights,
                           const std::vector<at::Tensor>& biases, const at::Tensor& from,
                           const at::Tensor& to) {
    if (with_bias) return dense_forward_with_bias(weights, biases, from, to);
    dense_forward(weights, from, to);
  };
  if (!few) return product(mixed_, mixed_bias_values_, input, mixed);
  product({query_}, query_bias_values_, asking,
          kept.query.sized(asking.size(0), asking.size(1), asking.options()));
  product(key_value_, key_value_bias_values_, input, mixed);
}

template <class T>
at::Tensor FusedAttention::attend(const FusedPass& pass, bool few, const at::Tensor& input,
                                  const at::Tensor& asking, AttentionActivations& kept) const {
  const auto mixed = mixed_of(pass, few, kept, input.options());
  const auto who = by(input);
  project(few, who != AttentionBy::plain, input, asking, mixed, kept);
  if (who == AttentionBy::library) {
    library_attention_forward(mixed, config_.attention_heads, pass,
                              {dropout(pass), pass.samples.front()}, kept.library);
    return kept.library.output;
  }
  const auto attended = kept.attended.sized(asking.size(0), asking.size(1), asking.options());
  const auto place = kernel_place(device_, attended);
  if (who == AttentionBy::tiles) {
    flash_attention_forward(tiles_job(pass, few, kept, attended), place);
  } else {
    attention_forward(plain_job<T>(pass, few, kept, attended), place);
  }
  return attended;
}

at::Tensor FusedAttention::forward(const FusedPass& pass, bool few, const at::Tensor& input,
                                   const at::Tensor& asking, AttentionActivations& kept) const {
  return input.scalar_type() == at::kBFloat16 ? attend<Bf16>(pass, few, input, asking, kept)
                                              : attend<float>(pass, few, input, asking, kept);
}

at::Tensor FusedAttention::output_of(const at::Tensor& asking, AttentionActivations& kept) const {
  if (by(asking) == AttentionBy::library) return kept.library.output;
  return kept.attended.sized(asking.size(0), asking.size(1), asking.options());
}

template <class T>
FusedAttention::MixedGradient FusedAttention::plain_gradient(const FusedPass& pass, bool few,
                                                             const at::Tensor& gradient,
                                                             AttentionActivations& kept,
                                                             FusedScratch& scratch) const {
  const auto tokens = pass.count(), hidden = config_.hidden_size;
  const auto type = gradient.options();
  const bool in_place = device_ == KernelDevice::cpu;
  const auto result =
      in_place ? mixed_of(pass, few, kept, type) : scratch.mixed.sized(tokens, 3 * hidden, type);
  auto job = plain_job<T>(pass, few, kept, gradient);
  if (!in_place) job.mixed_gradient = elements<T>(result);
  attention_backward(
      job, kernel_place(device_, gradient, {tokens, hidden, config_.attention_heads}, scratch));
  return {result, few ? kept.query.sized(gradient.size(0), hidden, type) : at::Tensor()};
}

FusedAttention::MixedGradient FusedAttention::tiles_gradient(const FusedPass& pass, bool few,
                                                             const at::Tensor& gradient,
                                                             AttentionActivations& kept,
                                                             FusedScratch& scratch) const {
  const auto rows = gradient.size(0), hidden = config_.hidden_size;
  const auto type = gradient.options();
  const auto result = scratch.mixed.sized(pass.count(), (few ? 2 : 3) * hidden, type);
  const auto queries = few ? scratch.query.sized(rows, hidden, type) : result;
  const auto products =
      scratch.products.sized(config_.attention_heads, rows, type.dtype(at::kFloat));
  auto job = tiles_job(pass, few, kept, kept.attended.sized(rows, hidden, type));
  job.output_gradient = elements<Bf16>(gradient);
  job.products = elements<float>(products);
  job.query_gradient = elements<Bf16>(queries);
  job.key_gradient = elements<Bf16>(result) + (few ? 0 : hidden);
  job.value_gradient = job.key_gradient + hidden;
  job.query_sum = mixed_bias_[0].gradient;
  job.key_sum = mixed_bias_[1].gradient;
  job.value_sum = mixed_bias_[2].gradient;
  flash_attention_backward(job,
                           kernel_place(device_, gradient, flash_scratch_floats(job), scratch));
  return {result, few ? queries : at::Tensor()};
}

template <class T>
FusedAttention::MixedGradient FusedAttention::library_gradient(const FusedPass& pass,
                                                               const at::Tensor& gradient,
                                                               AttentionActivations& kept,
                                                               FusedScratch& scratch) const {
  const auto tokens = pass.count(), hidden = config_.hidden_size;
  const auto mixed = mixed_of(pass, false, kept, gradient.options());
  const auto place =
      kernel_place(device_, gradient, {tokens, hidden, config_.attention_heads}, scratch);
  const auto parts = library_attention_backward(gradient, mixed, config_.attention_heads, pass,
                                                config_.attention_dropout, kept.library);
  for (int part = 0; part < 3; ++part) {
    copy_and_sum_columns(
        ColumnSumJob<T>{tokens, hidden, elements<T>(parts[part]),
                        elements<T>(mixed) + part * hidden, 3 * hidden, mixed_bias_[part].gradient},
        place);
  }
  return {mixed, {}};
}

template <class T>
FusedAttention::MixedGradient FusedAttention::mixed_gradient(const FusedPass& pass, bool few,
                                                             const at::Tensor& gradient,
                                                             AttentionActivations& kept,
                                                             FusedScratch& scratch) const {
  switch (by(gradient)) {
    case AttentionBy::plain:
      return plain_gradient<T>(pass, few, gradient, kept, scratch);
    case AttentionBy::tiles:
      return tiles_gradient(pass, few, gradient, kept, scratch);
    case AttentionBy::library:
      break;
  }
  return library_gradient<T>(pass, gradient, kept, scratch);
}

void FusedAttention::backward(const FusedPass& pass, bool few, const at::Tensor& input,
                              const at::Tensor& asking, const at::Tensor& gradient,
                              const at::Tensor& asking_gradient, const at::Tensor& input_gradient,
                              AttentionActivations& kept, FusedScratch& scratch) const {
  const auto own = input.scalar_type() == at::kBFloat16
                       ? mixed_gradient<Bf16>(pass, few, gradient, kept, scratch)
                       : mixed_gradient<float>(pass, few, gradient, kept, scratch);
  if (!few) return dense_backward(mixed_, own.mixed, input, input_gradient, scratch);
  dense_weight_gradient(query_, own.query, asking, scratch);
  dense_add_input_gradient(query_, own.query, asking_gradient);
  dense_backward(key_value_, own.mixed, input, input_gradient, scratch);
}

}  // namespace bertha
