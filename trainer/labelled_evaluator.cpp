// Shares examples by rank, gathers their outputs, scores them.
#include "trainer/labelled_evaluator.h"

#include <cstring>
#include <string>

#include <ATen/ATen.h>

#include "parallel/base/error.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

constexpr std::int64_t kExamplesPerBlock = 256;

// A row on its way between ranks: the example's index, then its outputs.
void append_row(std::string& bytes, std::uint64_t index, const float* outputs, std::int64_t count) {
  bytes.append(reinterpret_cast<const char*>(&index), sizeof index);
  bytes.append(reinterpret_cast<const char*>(outputs),
               static_cast<std::size_t>(count) * sizeof(float));
}

void read_rows(const std::string& bytes, at::Tensor& all) {
  const auto outputs_bytes = static_cast<std::size_t>(all.size(1)) * sizeof(float);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t) + outputs_bytes) {
    std::uint64_t index = 0;
    std::memcpy(&index, bytes.data() + at, sizeof index);
    if (index >= static_cast<std::uint64_t>(all.size(0))) {
      throw Error(ErrorKind::internal, "a prediction for an example that does not exist");
    }
    std::memcpy(all.data_ptr<float>() + static_cast<std::int64_t>(index) * all.size(1),
                bytes.data() + at + sizeof index, outputs_bytes);
  }
}

}  // namespace

at::Tensor predict_examples(const PredictionParts& parts,
                            const std::vector<EncodedExample>& examples,
                            std::int64_t micro_batch_tokens) {
  LabelledBatchOptions options;
  options.batch_size = kExamplesPerBlock;
  options.micro_batch_tokens = micro_batch_tokens;
  options.shuffle = false;
  std::string mine;
  std::int64_t outputs = 0;
  const auto& rank = parts.communicator.rank_info();
  for (std::uint64_t step = 0; step < steps_in_epoch(examples.size(), kExamplesPerBlock); ++step) {
    for (const auto& batch : labelled_step(examples, options, rank, step)) {
      parts.watchdog.report("predicting");
      const auto predicted = parts.task.predict(batch).contiguous();
      outputs = predicted.size(1);
      for (std::int64_t row = 0; row < predicted.size(0); ++row) {
        append_row(mine, batch.sample_numbers[static_cast<std::size_t>(row)],
                   predicted.data_ptr<float>() + row * outputs, outputs);
      }
    }
  }
  parts.watchdog.report("gathering predictions");
  const auto widths = parts.communicator.gather_bytes(std::to_string(outputs));
  for (const auto& width : widths) outputs = std::max(outputs, std::stol(width));
  auto all = at::zeros({static_cast<std::int64_t>(examples.size()), outputs}, at::kFloat);
  for (const auto& bytes : parts.communicator.gather_bytes(mine)) read_rows(bytes, all);
  return all;
}

Scores score_predictions(const at::Tensor& predictions, const std::vector<EncodedExample>& examples,
                         bool regression) {
  if (regression) {
    std::vector<double> predicted, values;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      predicted.push_back(predictions[static_cast<std::int64_t>(i)][0].item<double>());
      values.push_back(examples[i].value);
    }
    auto scores = regression_scores(predicted, values);
    scores.insert(scores.begin(), {"loss", scores.back().second});
    return scores;
  }
  auto labels = at::empty({static_cast<std::int64_t>(examples.size())}, at::kLong);
  std::vector<std::int32_t> expected, predicted;
  const auto best = predictions.argmax(1);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    expected.push_back(examples[i].label);
    labels.data_ptr<std::int64_t>()[i] = examples[i].label;
    predicted.push_back(static_cast<std::int32_t>(best.data_ptr<std::int64_t>()[i]));
  }
  auto scores =
      classification_scores(predicted, expected, static_cast<std::int32_t>(predictions.size(1)));
  scores.insert(scores.begin(),
                {"loss", at::cross_entropy_loss(predictions, labels).item<double>()});
  return scores;
}

}  // namespace bertha
