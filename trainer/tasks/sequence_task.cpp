// Loss of a classifier on the pooled [CLS] vector.
#include "trainer/tasks/sequence_task.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "trainer/tasks/device_batch.h"
#include "trainer/tasks/flops.h"

namespace bertha {
namespace {

enum Sum { kLoss, kCorrect, kSequences };

at::Tensor values_on(const std::vector<float>& values, at::Device device) {
  auto tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor.to(device);
}

}  // namespace

SequenceTask::SequenceTask(const BertConfig& config, std::int64_t outputs, bool regression,
                           Precision precision, at::Device device)
    : device_(device),
      regression_(regression),
      space_(bert_parameters(config, Head::sequence, outputs), precision, device),
      model_(config, Head::sequence, space_) {}

at::Tensor SequenceTask::logits(const Batch& batch, const ForwardContext& context) const {
  const auto input = pack_input(batch, config(), device_);
  const auto pooled = model_.pool(model_.encode(input, context), input);
  return model_.classify(pooled, input, context).to(at::kFloat);
}

TaskOutput SequenceTask::forward(const Batch& batch, const BatchTotals& totals,
                                 const ForwardContext& context) {
  TaskOutput output;
  output.sums = at::zeros({sum_count()}, at::TensorOptions().dtype(at::kDouble).device(device_));
  if (batch.sequence_count() == 0) return output;
  const auto scores = logits(batch, context);
  at::Tensor loss;
  if (regression_) {
    loss = at::mse_loss(scores.squeeze(1), values_on(batch.values, device_), at::Reduction::Sum);
  } else {
    const auto labels = indices_on(batch.labels, device_);
    loss = at::cross_entropy_loss(scores, labels, {}, at::Reduction::Sum);
    output.sums[kCorrect] = scores.detach().argmax(1).eq(labels).sum();
  }
  output.loss = loss / totals.sequences;
  output.sums[kLoss] = loss.detach();
  output.sums[kSequences] = static_cast<double>(batch.sequence_count());
  return output;
}

Scores SequenceTask::scores(std::span<const double> sums) const {
  const double sequences = std::max(1.0, sums[kSequences]);
  const double loss = sums[kLoss] / sequences;
  if (regression_) return {{"loss", loss}, {"mean_squared_error", loss}};
  return {{"loss", loss}, {"accuracy", sums[kCorrect] / sequences}};
}

double SequenceTask::training_flops(const Batch& batch) const {
  return model_flops(config(), batch);
}

at::Tensor SequenceTask::predict(const Batch& batch) {
  const at::NoGradGuard no_gradient;
  return logits(batch, {}).to(at::kCPU);
}

}  // namespace bertha
