// BERT on packed input: embeddings, encoder, and the heads that tasks put on it. The reference path
// is plain ATen, any device and type, and the oracle for the fused one. Weights live in a
// ParameterSpace under Transformers' names (bert.embeddings.word_embeddings.weight ...).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/head_rows.h"
#include "trainer/model/packed_input.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

enum class Head { none, pretraining, masked_lm, sequence, token, question };

// Parameters in forward order. pretraining: pooler, MLM and NSP heads (BertForPreTraining);
// masked_lm: no pooler, no NSP head (BertForMaskedLM); sequence, token: dropout and a classifier of
// `labels` outputs; question: qa_outputs.
std::vector<ParameterSpec> bert_parameters(const BertConfig& config, Head head,
                                           std::int64_t labels);
const char* head_architecture(Head head);  // "BertForPreTraining" ...

class FusedModel;
struct DenseWeights;

class Bert {
 public:
  // `space` must hold bert_parameters(config, head, labels) and outlive the model. Error{usage}:
  // config asks for the fused path where there is none.
  Bert(const BertConfig& config, Head head, const ParameterSpace& space);

  const BertConfig& config() const { return config_; }
  Head head() const { return head_; }
  bool is_fused() const { return fused_ != nullptr; }

  // -> [T, hidden]. Error{bad_data}: a sequence longer than max_positions, a token id beyond the
  // vocabulary.
  at::Tensor encode(const PackedInput& input, const ForwardContext& context) const;
  // For heads that read these rows only: where rows can be left out (fused path, on a GPU in bf16
  // with heads of 64), the last layer computes these alone, with the same values and gradients.
  // `rows`: where in `hidden` they stand, on the model's device.
  struct Encoded {
    at::Tensor hidden;  // [rows, hidden]
    HeadRows rows;
  };
  Encoded encode(const PackedInput& input, const ForwardContext& context,
                 const HeadRows& heads) const;
  // Rows `first` of hidden -> [B, hidden], tanh.
  at::Tensor pool(const at::Tensor& hidden, const at::Tensor& first) const;
  // Rows of the masked positions [M, hidden] -> logits [M, vocabulary]; decoder tied to the
  // word embeddings.
  at::Tensor masked_lm_logits(const at::Tensor& masked_hidden) const;
  // Cross entropy at the masked positions, summed (fp32 scalar), and how many were predicted right.
  // hidden [rows, hidden], positions [M] ascending, labels [M], both int64 and M > 0.
  struct MaskedLmLoss {
    at::Tensor sum, correct;
  };
  MaskedLmLoss masked_lm_loss(const at::Tensor& hidden, const at::Tensor& positions,
                              const at::Tensor& labels) const;
  at::Tensor next_sentence_logits(const at::Tensor& pooled) const;  // [B, 2]
  // pooled [B, hidden] or hidden [T, hidden] -> [., labels], with dropout before.
  at::Tensor classify(const at::Tensor& features, const PackedInput& input,
                      const ForwardContext& context) const;
  at::Tensor question_logits(const at::Tensor& hidden) const;  // [T, 2]: start, end

 private:
  struct Weights;  // the space's leaves by their role
  at::Tensor with_all_weights(at::Tensor hidden) const;
  at::Tensor head_dense(const DenseWeights& weights, const at::Tensor& values) const;

  BertConfig config_;
  Head head_;
  std::shared_ptr<const Weights> weights_;
  std::shared_ptr<FusedModel> fused_;  // null: the reference path
};

}  // namespace bertha
