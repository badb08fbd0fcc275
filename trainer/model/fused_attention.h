// Self-attention of one layer on the fused path: the projections to query, key and value, and what
// happens between them and the output's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_pass.h"
#include "trainer/model/library_attention.h"

namespace bertha {

// Who computes it: plain kernels of any type and size, our tensor-core kernels, or ATen's.
enum class AttentionBy { plain, tiles, library };
AttentionBy attention_by(const BertConfig& config, KernelDevice device, at::ScalarType type);

// What backward needs. T rows; S of them ask, all but in a layer that computes S rows alone.
struct AttentionActivations {
  ReusedTensor mixed;          // [T, 3 * hidden]; with biases unless attention is plain
  ReusedTensor query;          // [S, hidden] where few ask; then mixed has keys and values alone
  ReusedTensor attended;       // [S, hidden]
  ReusedTensor log_sum;        // [heads, S] fp32
  LibraryActivations library;  // in place of attended, log_sum where the library attends
};

class FusedAttention {
 public:
  // Names begin with `prefix`. The parameters are remembered by `parameters`.
  FusedAttention(const BertConfig& config, FusedParameters& parameters, const std::string& prefix,
                 std::int64_t layer, KernelDevice device);

  // input [T, hidden], asking [S, hidden] -> [S, hidden]. `few`: the pass' needed rows ask alone.
  at::Tensor forward(const FusedPass& pass, bool few, const at::Tensor& input,
                     const at::Tensor& asking, AttentionActivations& kept) const;
  // What forward gave, for backward to read.
  at::Tensor output_of(const at::Tensor& asking, AttentionActivations& kept) const;
  // Gradient of what forward gave -> of the input, into `input_gradient`, which may begin where
  // `gradient` does. Where few ask, that is of keys and values alone, and the queries' is added to
  // asking_gradient [S, hidden].
  void backward(const FusedPass& pass, bool few, const at::Tensor& input, const at::Tensor& asking,
                const at::Tensor& gradient, const at::Tensor& asking_gradient,
                const at::Tensor& input_gradient, AttentionActivations& kept,
                FusedScratch& scratch) const;

 private:
  AttentionBy by(const at::Tensor& values) const;
  FusedDropout dropout(const FusedPass& pass) const;
  at::Tensor mixed_of(const FusedPass& pass, bool few, AttentionActivations& kept,
                      const at::TensorOptions& type) const;
  template <class T>
  AttentionJob<T> plain_job(const FusedPass& pass, bool few, AttentionActivations& kept,
                            const at::Tensor& output) const;
  FlashAttentionJob tiles_job(const FusedPass& pass, bool few, AttentionActivations& kept,
                              const at::Tensor& output) const;
  void project(bool few, bool with_bias, const at::Tensor& input, const at::Tensor& asking,
               const at::Tensor& mixed, AttentionActivations& kept) const;
  template <class T>
  at::Tensor attend(const FusedPass& pass, bool few, const at::Tensor& input,
                    const at::Tensor& asking, AttentionActivations& kept) const;

  // Gradients of query, key and value, or of the last two, and then of the queries: [S, hidden].
  struct MixedGradient {
    at::Tensor mixed, query;
  };
  template <class T>
  MixedGradient plain_gradient(const FusedPass& pass, bool few, const at::Tensor& gradient,
                               AttentionActivations& kept, FusedScratch& scratch) const;
  MixedGradient tiles_gradient(const FusedPass& pass, bool few, const at::Tensor& gradient,
                               AttentionActivations& kept, FusedScratch& scratch) const;
  template <class T>
  MixedGradient library_gradient(const FusedPass& pass, const at::Tensor& gradient,
                                 AttentionActivations& kept, FusedScratch& scratch) const;
  template <class T>
  MixedGradient mixed_gradient(const FusedPass& pass, bool few, const at::Tensor& gradient,
                               AttentionActivations& kept, FusedScratch& scratch) const;

  BertConfig config_;
  std::int64_t layer_;
  KernelDevice device_;
  std::vector<FusedMatrix> mixed_, key_value_;  // the second a part of the first
  FusedMatrix query_;                           // the other part
  FusedVector mixed_bias_[3];
  // Biases in the compute type, of all three, of the query, and of the other two; plain attention
  // adds those of mixed_bias_.
  std::vector<at::Tensor> mixed_bias_values_, query_bias_values_, key_value_bias_values_;
};

}  // namespace bertha
