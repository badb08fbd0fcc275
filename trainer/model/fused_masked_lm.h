// The masked language model's head and loss on the fused path: transform, LayerNorm, decoder
// and softmax cross entropy, without logits in autograd's hands.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/kernels/fused_kernels.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_pass.h"

namespace bertha {

// What backward needs. [M, ...]: one row for each masked position. Backward overwrites it.
struct MaskedLmActivations {
  at::Tensor positions, labels;  // [M] int64
  std::int64_t tokens = 0;       // rows of the hidden states
  bool logits_kept = false;
  ReusedTensor rows, transformed, normed, deviation, output;  // [M, hidden], deviation [M, 1]
  ReusedTensor logits;   // [M, vocabulary] without bias, or as many rows as fit
  ReusedTensor log_sum;  // [M, 1] fp32
};

class FusedMaskedLm {
 public:
  // `words`: the decoder's weight, announced by the embeddings.
  FusedMaskedLm(const BertConfig& config, const ParameterSpace& space, const FusedMatrix& words);

  // hidden [T, hidden] -> summed loss and rows predicted right, [2] double. `keep`: backward will
  // follow.
  at::Tensor forward(const at::Tensor& hidden, MaskedLmActivations& kept, FusedScratch& scratch,
                     bool keep) const;
  // For a gradient `weight` (fp32 scalar) of the summed loss: adds the parameters' gradients,
  // announces them except the words', and gives that of hidden, a tensor of its own.
  at::Tensor backward(const at::Tensor& weight, MaskedLmActivations& kept,
                      FusedScratch& scratch) const;

 private:
  template <class T>
  at::Tensor forward_as(const at::Tensor& hidden, MaskedLmActivations& kept, FusedScratch& scratch,
                        bool keep) const;
  template <class T>
  void transform(const at::Tensor& rows, MaskedLmActivations& kept) const;
  template <class T>
  at::Tensor backward_as(const at::Tensor& weight, MaskedLmActivations& kept,
                         FusedScratch& scratch) const;
  template <class T>
  void decoder_backward(const at::Tensor& weight, MaskedLmActivations& kept, FusedScratch& scratch,
                        const at::Tensor& output_gradient) const;
  template <class T>
  CrossEntropyJob<T> loss_job(MaskedLmActivations& kept, const at::Tensor& logits,
                              std::int64_t first) const;

  // [rows, rows of decoder_]: off the CPU more than the vocabulary, zeros behind it.
  at::Tensor logits_of(MaskedLmActivations& kept, std::int64_t rows) const;

  BertConfig config_;
  KernelDevice device_;
  FusedParameters parameters_;
  FusedMatrix decoder_;  // the words; off the CPU with spare rows, for products of whole tiles
  FusedMatrix transform_;
  FusedVector transform_bias_, scale_, shift_, decoder_bias_;
};

// The decoder as a differentiable function of its input and bias: [M, hidden] -> [M, vocabulary].
// The gradient of the words goes straight to the flat gradient; the embeddings announce it.
at::Tensor tied_decoder(const FusedMatrix& words, const at::Tensor& input, const at::Tensor& bias);

}  // namespace bertha
