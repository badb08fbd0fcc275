// One encoder layer on the fused path: the mathematics of encoder_layer.h with hand-ordered
// forward and backward passes over planned buffers.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/fused_attention.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_pass.h"

namespace bertha {

// What backward needs of a layer's forward pass. Backward overwrites it. T rows, but S everywhere
// except for keys and values in a layer that computes S rows alone.
struct LayerActivations {
  ReusedTensor chosen;  // [S, hidden] of the input
  AttentionActivations attention;
  ReusedTensor attention_normed, attention_deviation;  // [T, hidden], [T, 1] fp32
  ReusedTensor middle;                                 // [T, hidden]
  ReusedTensor wide;                                   // [T, intermediate], no bias
  ReusedTensor activated;                              // the same; the CPU computes it again
  ReusedTensor output_normed, output_deviation;        // as above
  ReusedTensor output;                                 // [T, hidden]; unused in the last layer
};

// Whether there are kernels for an activation of config.json: silu and tanh have none.
bool fused_activation_exists(const std::string& name);
Activation fused_activation(const std::string& name);

class FusedLayer {
 public:
  FusedLayer(const BertConfig& config, const ParameterSpace& space, std::int64_t layer,
             KernelDevice device);

  // [T, hidden] -> [T, hidden]. The last layer computes the rows that the pass needs, and keys and
  // values of all: the same as if it computed all, and the loss read those.
  void forward(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
               FusedScratch& scratch, const at::Tensor& output) const;
  // Adds the parameters' gradients, announces each as soon as it is complete, and gives the
  // input's, in `scratch`.
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

  BertConfig config_;
  std::int64_t layer_;
  KernelDevice device_;
  // In groups whose gradients are complete at different moments: what lies between them is time to
  // travel in.
  FusedParameters attention_parameters_, attention_output_parameters_, intermediate_parameters_,
      output_parameters_;
  FusedAttention attention_;
  FusedMatrix attention_output_, intermediate_, output_;
  FusedVector attention_output_bias_, intermediate_bias_, output_bias_;
  FusedVector attention_scale_, attention_shift_, output_scale_, output_shift_;
};

}  // namespace bertha
