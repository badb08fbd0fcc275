// Masked language modelling, with or without next-sentence prediction (Devlin et al. 2019,
// section 3.1).
#pragma once

#include "trainer/model/bert.h"
#include "trainer/tasks/task.h"

namespace bertha {

class PretrainingTask : public Task {
 public:
  PretrainingTask(const BertConfig& config, bool next_sentence, Precision precision,
                  at::Device device);

  ParameterSpace& parameters() override { return space_; }
  // Loss: mean cross entropy over all masked positions of the global batch, plus, with
  // next_sentence, the mean over its sequences.
  TaskOutput forward(const Batch& batch, const BatchTotals& totals,
                     const ForwardContext& context) override;
  std::int64_t sum_count() const override { return 6; }
  Scores scores(std::span<const double> sums) const override;
  double training_flops(const Batch& batch) const override;

  const BertConfig& config() const { return model_.config(); }
  Head head() const { return model_.head(); }

 private:
  at::Device device_;
  bool next_sentence_;
  ParameterSpace space_;
  Bert model_;
};

}  // namespace bertha
