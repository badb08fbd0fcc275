// Scaled dot-product attention (Vaswani et al. 2017, section 3.2) on packed sequences.
#include "trainer/model/attention.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bertha {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows from and to places that occur once, so that both directions are plain copies. Autograd's own
// gradient of a gather is a sum over duplicates: slow on the CPU, and unordered on the GPU.
at::Tensor rows_at(const at::Tensor& grid, const at::Tensor& slots) {
  return grid.index_select(0, slots);
}
at::Tensor rows_to(const at::Tensor& rows, const at::Tensor& slots, std::int64_t grid_rows) {
  return at::zeros({grid_rows, rows.size(1)}, rows.options()).index_copy_(0, slots, rows);
}

// [T, n] -> [grid_rows, n], zeros between.
struct Pad : public torch::autograd::Function<Pad> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows,
                            const at::Tensor& slots, std::int64_t grid_rows) {
    context->save_for_backward({slots});
    return rows_to(rows, slots, grid_rows);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {rows_at(gradients[0], context->get_saved_variables()[0]), {}, {}};
  }
};

// [grid_rows, n] -> [T, n]
struct Unpad : public torch::autograd::Function<Unpad> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& grid,
                            const at::Tensor& slots) {
    context->save_for_backward({slots});
    context->saved_data["grid_rows"] = grid.size(0);
    return rows_at(grid, slots);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {rows_to(gradients[0], context->get_saved_variables()[0],
                    context->saved_data["grid_rows"].toInt()),
            {}};
  }
};

// softmax(query key^T / sqrt(d)), in fp32 or better. query, key: [B * heads, L, d] -> [B, heads, L,
// L]
at::Tensor attention_probabilities(const at::Tensor& query, const at::Tensor& key,
                                   const AttentionLayout& layout, std::int64_t heads) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  const bool masked = layout.mask.defined();
  const auto mask = masked
                        ? layout.mask.expand({-1, heads, -1, -1}).reshape({-1, 1, layout.longest})
                        : at::zeros({1, 1, 1}, query.options());
  const auto scores = at::baddbmm(mask, query, key.transpose(1, 2), masked ? 1 : 0, scale);
  return at::softmax(scores, -1, exact_type(scores))
      .view({layout.sequences, heads, layout.longest, layout.longest});
}

}  // namespace

void add_attention_parameters(const BertConfig& config, const std::string& prefix,
                              std::vector<ParameterSpec>& specs) {
  const auto size = config.hidden_size;
  for (const char* part : {".query", ".key", ".value"}) {
    specs.push_back({prefix + part + ".weight", {size, size}});
  }
  for (const char* part : {".query", ".key", ".value"}) {
    specs.push_back({prefix + part + ".bias", {size}, InitialValue::zeros});
  }
}

AttentionWeights attention_weights(const ParameterSpace& space, const std::string& prefix) {
  return {dense_named(space, prefix + ".query"), dense_named(space, prefix + ".key"),
          dense_named(space, prefix + ".value")};
}

AttentionLayout attention_layout(const PackedInput& input, at::ScalarType type) {
  AttentionLayout layout;
  layout.sequences = static_cast<std::int64_t>(input.sequence_offsets.size()) - 1;
  layout.longest = input.longest;
  const auto tokens = input.tokens.size(0);
  if (tokens == layout.sequences * layout.longest) return layout;
  auto slots = at::empty({tokens}, at::kLong);
  auto mask = at::zeros({layout.sequences, 1, 1, layout.longest}, at::kFloat);
  auto* slot = slots.data_ptr<std::int64_t>();
  for (std::int64_t s = 0; s < layout.sequences; ++s) {
    const auto begin = input.sequence_offsets[static_cast<std::size_t>(s)];
    const auto length = input.sequence_offsets[static_cast<std::size_t>(s) + 1] - begin;
    for (std::int64_t i = 0; i < length; ++i) *slot++ = s * layout.longest + i;
    mask[s]
        .narrow(-1, length, layout.longest - length)
        .fill_(-std::numeric_limits<double>::infinity());
  }
  layout.slots = slots.to(input.tokens.device());
  layout.mask = mask.to(input.tokens.device(), type);
  return layout;
}

at::Tensor attend(const AttentionWeights& weights, const at::Tensor& hidden,
                  const AttentionLayout& layout, const AttentionSettings& settings,
                  const Dropout& dropout) {
  const bool padded = layout.slots.defined();
  const auto size = hidden.size(1), heads = settings.heads, head_size = size / heads;
  const auto sequences = layout.sequences, longest = layout.longest;
  // One product for query, key and value: [T, 3 * hidden].
  auto mixed =
      at::linear(hidden, at::cat({weights.query.weight, weights.key.weight, weights.value.weight}),
                 at::cat({weights.query.bias, weights.key.bias, weights.value.bias}));
  if (padded) mixed = Pad::apply(mixed, layout.slots, sequences * longest);
  const auto parts = mixed.view({sequences, longest, 3, heads, head_size})
                         .permute({2, 0, 3, 1, 4})
                         .reshape({3, sequences * heads, longest, head_size});

  auto probabilities = attention_probabilities(parts[0], parts[1], layout, heads);
  probabilities = dropout.attention(probabilities, settings.dropout_site, settings.dropout_rate)
                      .to(hidden.scalar_type())
                      .view({sequences * heads, longest, longest});
  auto result = at::bmm(probabilities, parts[2])  // [B * heads, L, d]
                    .view({sequences, heads, longest, head_size})
                    .transpose(1, 2)
                    .reshape({sequences * longest, size});
  if (padded) result = Unpad::apply(result, layout.slots);
  return result;
}

}  // namespace bertha
