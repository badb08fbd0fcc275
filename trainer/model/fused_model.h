// The fused path as two differentiable functions: packed tokens to hidden states, and hidden
// states to the masked language model's loss. Gradients of parameters bypass autograd.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/head_rows.h"
#include "trainer/model/packed_input.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// fp32 or bf16, on the CPU or on CUDA where this program has kernels for it.
bool fused_model_supports(const ParameterSpace& space);

class FusedModel : public std::enable_shared_from_this<FusedModel> {
 public:
  // `space` must outlive the model. `masked_lm`: it has an MLM head.
  FusedModel(const BertConfig& config, const ParameterSpace& space, bool masked_lm);
  ~FusedModel();
  FusedModel(const FusedModel&) = delete;
  FusedModel& operator=(const FusedModel&) = delete;

  // -> [T, hidden], or those rows alone. Ids must be in range. Where gradients are recorded,
  // activations are kept until backward has run or the result's graph is gone; backward can run
  // once.
  at::Tensor encode(const PackedInput& input, const ForwardContext& context,
                    const RowSubset& needed = {});
  // Whether it can leave rows out; else encode() wants to hear of none.
  bool leaves_rows_out() const;

  // Summed loss (fp32 scalar) and the number of positions predicted right.
  struct Loss {
    at::Tensor sum, correct;
  };
  Loss masked_lm_loss(const at::Tensor& hidden, const at::Tensor& positions,
                      const at::Tensor& labels);
  // [M, hidden] -> [M, vocabulary]
  at::Tensor decode(const at::Tensor& input, const at::Tensor& bias) const;

 private:
  friend struct EncodeFunction;
  friend struct MaskedLmFunction;
  struct Parts;  // layers and buffers

  std::unique_ptr<Parts> parts_;
};

}  // namespace bertha
