// The pretraining losses on packed input.
#include "trainer/tasks/pretraining.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "trainer/kernels/kernels.h"
#include "trainer/tasks/device_batch.h"
#include "trainer/tasks/flops.h"

namespace bertha {
namespace {

enum Sum { kMlmLoss, kMlmCorrect, kPredictions, kNspLoss, kNspCorrect, kSequences };

Head head_for(bool next_sentence) {
  return next_sentence ? Head::pretraining : Head::masked_lm;
}

// Cross entropy summed over rows, in fp32, and how many rows were right.
struct Classified {
  at::Tensor loss_sum;
  at::Tensor correct;
};
Classified classify_rows(const at::Tensor& logits, const at::Tensor& labels) {
  const auto wide = logits.to(at::kFloat);
  return {at::cross_entropy_loss(wide, labels, {}, at::Reduction::Sum),
          wide.detach().argmax(1).eq(labels).sum()};
}

}  // namespace

PretrainingTask::PretrainingTask(const BertConfig& config, bool next_sentence, Precision precision,
                                 at::Device device)
    : device_(device),
      next_sentence_(next_sentence),
      space_(bert_parameters(config, head_for(next_sentence), 0), precision, device),
      model_(config, head_for(next_sentence), space_) {}

TaskOutput PretrainingTask::forward(const Batch& batch, const BatchTotals& totals,
                                    const ForwardContext& context) {
  TaskOutput output;
  output.sums = at::zeros({sum_count()}, at::TensorOptions().dtype(at::kDouble).device(device_));
  const auto masked = static_cast<double>(batch.masked_positions.size());
  if (batch.sequence_count() == 0 || (masked == 0 && !next_sentence_)) return output;

  const auto input = pack_input(batch, config(), device_);
  check_predictions(batch, config());
  HeadRows heads;
  if (masked > 0) heads.masked = indices_on(batch.masked_positions, at::kCPU);
  if (next_sentence_) heads.first = input.sequence_starts;
  const auto encoded = model_.encode(input, context, heads);
  output.sums[kSequences] = static_cast<double>(batch.sequence_count());
  if (masked > 0) {
    const auto labels = indices_on(batch.masked_labels, device_);
    const auto mlm = model_.masked_lm_loss(encoded.hidden, encoded.rows.masked, labels);
    output.loss = mlm.sum / totals.predictions;
    output.sums[kMlmLoss] = mlm.sum.detach();
    output.sums[kMlmCorrect] = mlm.correct;
    output.sums[kPredictions] = masked;
  }
  if (next_sentence_) {
    const auto pooled = model_.pool(encoded.hidden, encoded.rows.first);
    const auto logits = model_.next_sentence_logits(pooled);  // [B, 2]
    const auto nsp = classify_rows(logits, indices_on(batch.next_sentence, device_));
    const auto part = nsp.loss_sum / totals.sequences;
    output.loss = output.loss.defined() ? output.loss + part : part;
    output.sums[kNspLoss] = nsp.loss_sum.detach();
    output.sums[kNspCorrect] = nsp.correct;
  }
  return output;
}

Scores PretrainingTask::scores(std::span<const double> sums) const {
  const double predictions = std::max(1.0, sums[kPredictions]);
  const double sequences = std::max(1.0, sums[kSequences]);
  const double mlm_loss = sums[kMlmLoss] / predictions;
  const double mlm_accuracy = sums[kMlmCorrect] / predictions;
  if (!next_sentence_) {
    return {{"loss", mlm_loss}, {"mlm_loss", mlm_loss}, {"mlm_accuracy", mlm_accuracy}};
  }
  const double nsp_loss = sums[kNspLoss] / sequences;
  return {{"loss", mlm_loss + nsp_loss},
          {"mlm_loss", mlm_loss},
          {"nsp_loss", nsp_loss},
          {"mlm_accuracy", mlm_accuracy},
          {"nsp_accuracy", sums[kNspCorrect] / sequences}};
}

double PretrainingTask::training_flops(const Batch& batch) const {
  return model_flops(config(), batch);
}

}  // namespace bertha
