// Classification and regression of whole texts: BertForSequenceClassification.
#pragma once

#include <vector>

#include "trainer/model/bert.h"
#include "trainer/tasks/task.h"

namespace bertha {

class SequenceTask : public Task {
 public:
  // `outputs` classes; regression has one output and mean squared error.
  SequenceTask(const BertConfig& config, std::int64_t outputs, bool regression, Precision precision,
               at::Device device);

  ParameterSpace& parameters() override { return space_; }
  TaskOutput forward(const Batch& batch, const BatchTotals& totals,
                     const ForwardContext& context) override;
  std::int64_t sum_count() const override { return 3; }
  Scores scores(
      std::span<const double> sums) const override;  // loss, accuracy | mean_squared_error
  double training_flops(const Batch& batch) const override;

  // [B, outputs] fp32 on the host, without dropout or graph.
  at::Tensor predict(const Batch& batch);
  const BertConfig& config() const { return model_.config(); }
  bool regression() const { return regression_; }

 private:
  at::Tensor logits(const Batch& batch, const ForwardContext& context) const;

  at::Device device_;
  bool regression_;
  ParameterSpace space_;
  Bert model_;
};

}  // namespace bertha
