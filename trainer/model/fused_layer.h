// One encoder layer on the fused path: the mathematics of encoder_layer.h with hand-ordered
// forward and backward passes over planned buffers.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/flash_attention.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_pass.h"

namespace bertha {

// What backward needs of a layer's forward pass. Backward overwrites it. T rows, but S everywhere
// except for keys and values in a layer that computes S rows alone.
struct LayerActivations {
  ReusedTensor mixed;          // [T, 3 * hidden]; biases with flash only
  ReusedTensor chosen, query;  // [S, hidden] of the input; then mixed has keys and values alone
  ReusedTensor attended;       // [T, hidden]
  FlashActivations flash;      // in place of attended, log_sum
  ReusedTensor log_sum;        // [heads, T] fp32
  ReusedTensor attention_normed, attention_deviation;  // [T, hidden], [T, 1] fp32
  ReusedTensor middle;                                 // [T, hidden]
  ReusedTensor wide;                                   // [T, intermediate], no bias
  ReusedTensor activated;                              // the same; the CPU computes it again
  ReusedTensor output_normed, output_deviation;        // as above
  ReusedTensor output;                                 // [T, hidden]; unused in the last layer
};

Activation fused_activation(const std::string& name);

class FusedLayer {
 public:
  FusedLayer(const BertConfig& config, const ParameterSpace& space, std::int64_t layer,
             KernelDevice device);

  // [T, hidden] -> [T, hidden]. The last layer computes the rows that the pass needs, and keys and
  // values of all: the same as if it computed all, and the loss read those.
  void forward(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
               FusedScratch& scratch, const at::Tensor& output) const;
  // Adds the parameters' gradients, announces them, and gives the input's, in `scratch`.
  SplitGradient backward(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                         FusedScratch& scratch, const SplitGradient& output_gradient) const;

 private:
  template <class T>
  void forward_as(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                  FusedScratch& scratch, const at::Tensor& output) const;
  template <class T>
  SplitGradient backward_as(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                            FusedScratch& scratch, const SplitGradient& output_gradient) const;
  // Whether it computes some rows alone.
  bool narrows(const FusedPass& pass) const {
    return pass.needed.rows.defined() && layer_ + 1 == config_.layers;
  }
  at::Tensor rows_to_compute(const FusedPass& pass, const at::Tensor& input,
                             LayerActivations& kept) const;
  at::Tensor mixed_of(const FusedPass& pass, LayerActivations& kept,
                      const at::TensorOptions& type) const;
  template <class T>
  AttentionJob<T> attention_job(const FusedPass& pass, LayerActivations& kept,
                                const at::Tensor& output) const;
  template <class T>
  at::Tensor attend(const FusedPass& pass, const at::Tensor& input, const at::Tensor& asking,
                    LayerActivations& kept) const;
  // Gradient of what attend() gave -> that of query, key and value in `mixed`.
  template <class T>
  at::Tensor attend_backward(const FusedPass& pass, LayerActivations& kept, FusedScratch& scratch,
                             const at::Tensor& gradient) const;

  // Gradient of the input where the layer narrows, out of that of the rows it computed.
  SplitGradient widened_gradient(const FusedPass& pass, const at::Tensor& input,
                                 LayerActivations& kept, FusedScratch& scratch,
                                 const at::Tensor& sum) const;

  BertConfig config_;
  std::int64_t layer_;
  KernelDevice device_;
  FusedParameters parameters_;
  std::vector<FusedMatrix> mixed_, key_value_;  // the second a part of the first
  FusedMatrix query_;                           // the other part
  FusedVector mixed_bias_[3];
  std::vector<at::Tensor> mixed_bias_values_;  // compute type; only flash attention wants it
  FusedMatrix attention_output_, intermediate_, output_;
  FusedVector attention_output_bias_, intermediate_bias_, output_bias_;
  FusedVector attention_scale_, attention_shift_, output_scale_, output_shift_;
};

}  // namespace bertha
