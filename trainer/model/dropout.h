// Dropout whose masks are functions of (seed, step, place in the model, sample, element), so that
// packing, ranks and threads do not change them.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/model/packed_input.h"

namespace bertha {

// Numbers of the dropouts in the model: part of the reproducibility contract, never renumber.
inline constexpr std::uint32_t kEmbeddingDropout = 0;
inline constexpr std::uint32_t kClassifierDropout = 1;
enum class LayerDropout : std::uint32_t { attention = 2, attention_output = 3, output = 4 };
constexpr std::uint32_t dropout_site(std::int64_t layer, LayerDropout place) {
  return static_cast<std::uint32_t>(3 * layer) + static_cast<std::uint32_t>(place);
}

// The dropouts of one forward pass. References must outlive it.
class Dropout {
 public:
  Dropout(const PackedInput& input, const ForwardContext& context)
      : input_(input), context_(context) {}

  // [T, n], row: place in the sequence; or [B, n], row 0.
  at::Tensor hidden(const at::Tensor& values, std::uint32_t site, double rate) const;
  // Probabilities [B, heads, L, L] of attention, row: head * (own length) + query, column: key.
  at::Tensor attention(const at::Tensor& probabilities, std::uint32_t site, double rate) const;

 private:
  bool off(double rate) const { return !context_.training || rate == 0.0; }

  const PackedInput& input_;
  const ForwardContext& context_;
};

}  // namespace bertha
