// Fine-tuning of every kind: the encoder, a head on its sequences or tokens, and a loss.
#pragma once

#include <vector>

#include "trainer/model/bert.h"
#include "trainer/tasks/labelled_loss.h"
#include "trainer/tasks/task.h"

namespace bertha {

// sequence: a row of outputs for each sequence (BertForSequenceClassification); token: for each
// token (BertForTokenClassification); question: start and end for each token
// (BertForQuestionAnswering).
struct LabelledModel {
  Head head = Head::sequence;
  LossKind loss = LossKind::cross_entropy;
  std::int64_t outputs = 2;
};

class LabelledTask : public Task {
 public:
  LabelledTask(const BertConfig& config, const LabelledModel& model, Precision precision,
               at::Device device);

  ParameterSpace& parameters() override { return space_; }
  // Loss: the mean over the global batch's labelled rows; see loss_terms(). With class weights
  // their weighted mean, divided by the sum of weights as torch's CrossEntropyLoss does.
  TaskOutput forward(const Batch& batch, const BatchTotals& totals,
                     const ForwardContext& context) override;
  BatchTotals count(std::span<const Batch> batches) const override;
  std::int64_t sum_count() const override { return 4; }
  Scores scores(
      std::span<const double> sums) const override;  // loss, accuracy | mean_squared_error
  double training_flops(const Batch& batch) const override;

  // By sequence: [rows, outputs] fp32 on the host, without dropout or graph; one row for a sequence
  // head, else one for each token.
  std::vector<at::Tensor> predict(const Batch& batch);
  const BertConfig& config() const { return model_.config(); }
  const LabelledModel& model() const { return kind_; }
  // [outputs] of the training loss; see class_weights.h.
  void weigh_classes(const std::vector<double>& weights);

 private:
  at::Tensor outputs(const Batch& batch, const ForwardContext& context) const;

  at::Device device_;
  LabelledModel kind_;
  ParameterSpace space_;
  Bert model_;
  at::Tensor class_weights_;           // undefined: none
  std::vector<double> label_weights_;  // the same, exactly
};

}  // namespace bertha
