// One forward pass through the head that the task has.
#include "trainer/tasks/labelled_task.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "trainer/tasks/device_batch.h"
#include "trainer/tasks/flops.h"

namespace bertha {
namespace {

enum Sum { kLoss, kTerms, kCorrect, kCount };

}  // namespace

LabelledTask::LabelledTask(const BertConfig& config, const LabelledModel& model,
                           Precision precision, at::Device device)
    : device_(device),
      kind_(model),
      space_(bert_parameters(config, model.head, model.outputs), precision, device),
      model_(config, model.head, space_) {}

// [B or T, outputs] fp32
at::Tensor LabelledTask::outputs(const Batch& batch, const ForwardContext& context) const {
  const auto input = pack_input(batch, config(), device_);
  if (kind_.head == Head::sequence) {
    const auto encoded = model_.encode(input, context, {input.sequence_starts, {}});
    const auto pooled = model_.pool(encoded.hidden, encoded.rows.first);
    return model_.classify(pooled, input, context).to(at::kFloat);
  }
  const auto hidden = model_.encode(input, context);  // [T, hidden]
  if (kind_.head == Head::question) return model_.question_logits(hidden).to(at::kFloat);
  return model_.classify(hidden, input, context).to(at::kFloat);
}

TaskOutput LabelledTask::forward(const Batch& batch, const BatchTotals& totals,
                                 const ForwardContext& context) {
  TaskOutput output;
  output.sums = at::zeros({sum_count()}, at::TensorOptions().dtype(at::kDouble).device(device_));
  if (batch.sequence_count() == 0) return output;
  const auto predicted = outputs(batch, context);
  const auto sum = labelled_loss(
      kind_.loss, predicted, {batch.labels, batch.values, batch.sequence_offsets, class_weights_});
  const auto width = static_cast<double>(kind_.outputs);
  const double all = loss_terms(kind_.loss, totals.labels, totals.sequences, width);
  output.loss = sum.loss / (all > 0 ? all : 1.0);
  output.sums[kLoss] = sum.loss.detach();
  if (sum.correct.defined()) output.sums[kCorrect] = sum.correct;
  const auto terms = [&](const BatchTotals& mine) {
    return loss_terms(kind_.loss, mine.labels, mine.sequences, width);
  };
  output.sums[kTerms] = terms(count({&batch, 1}));
  output.sums[kCount] = terms(count_batches({&batch, 1}));
  return output;
}

void LabelledTask::weigh_classes(const std::vector<double>& weights) {
  // Rounded as the loss has them: their sums are then exact, and the same in any order.
  label_weights_.clear();
  for (const auto weight : weights) label_weights_.push_back(static_cast<float>(weight));
  class_weights_ = at::tensor(weights, at::kDouble).to(device_, at::kFloat);
}

BatchTotals LabelledTask::count(std::span<const Batch> batches) const {
  auto totals = count_batches(batches);
  if (label_weights_.empty()) return totals;
  totals.labels = 0;
  for (const auto& batch : batches) {
    for (const auto label : batch.labels) {
      if (label >= 0) totals.labels += label_weights_.at(static_cast<std::size_t>(label));
    }
  }
  return totals;
}

Scores LabelledTask::scores(std::span<const double> sums) const {
  const double loss = sums[kTerms] > 0 ? sums[kLoss] / sums[kTerms] : 0;
  if (kind_.loss == LossKind::mean_squared_error) {
    return {{"loss", loss}, {"mean_squared_error", loss}};
  }
  return {{"loss", loss}, {"accuracy", sums[kCorrect] / std::max(1.0, sums[kCount])}};
}

double LabelledTask::training_flops(const Batch& batch) const {
  return model_flops(config(), batch);
}

std::vector<at::Tensor> LabelledTask::predict(const Batch& batch) {
  const at::NoGradGuard no_gradient;
  const auto all = outputs(batch, {}).to(at::kCPU).contiguous();
  std::vector<at::Tensor> by_sequence;
  for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
    if (kind_.head == Head::sequence) {
      by_sequence.push_back(all.narrow(0, s, 1));
    } else {
      const auto begin = batch.sequence_offsets[static_cast<std::size_t>(s)];
      const auto end = batch.sequence_offsets[static_cast<std::size_t>(s) + 1];
      by_sequence.push_back(all.narrow(0, begin, end - begin));
    }
  }
  return by_sequence;
}

}  // namespace bertha
