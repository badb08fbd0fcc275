// The embeddings on the fused path.
#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_pass.h"

namespace bertha {

struct EmbeddingActivations {
  ReusedTensor normed, deviation;  // [T, hidden], [T, 1] fp32
  ReusedTensor output;             // [T, hidden]
};

class FusedEmbeddings {
 public:
  FusedEmbeddings(const BertConfig& config, const ParameterSpace& space, KernelDevice device);

  // -> [T, hidden], in `kept`. Ids must be in range.
  at::Tensor forward(const FusedPass& pass, EmbeddingActivations& kept) const;
  // Adds and announces all gradients: the last ones of a backward pass. For word embeddings that
  // are also the MLM head's decoder, the head has added its part before.
  void backward(const FusedPass& pass, EmbeddingActivations& kept, FusedScratch& scratch,
                const SplitGradient& output_gradient) const;
  const FusedMatrix& words() const { return words_; }

 private:
  template <class T>
  void forward_as(const FusedPass& pass, EmbeddingActivations& kept) const;
  template <class T>
  void backward_as(const FusedPass& pass, EmbeddingActivations& kept, FusedScratch& scratch,
                   const SplitGradient& output_gradient) const;

  BertConfig config_;
  FusedParameters parameters_;
  FusedMatrix words_, positions_, segments_;
  FusedVector scale_, shift_;
};

}  // namespace bertha
