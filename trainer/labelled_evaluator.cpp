// Shares examples by rank and gathers their outputs.
#include "trainer/labelled_evaluator.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <ATen/ATen.h>

#include "data_pipeline/labelled/labelled_batches.h"
#include "parallel/base/error.h"
#include "parallel/base/fault.h"

namespace bertha {
namespace {

constexpr std::int64_t kExamplesPerBlock = 256;

// Outputs on their way between ranks: this, then rows * columns floats.
struct OutputHeader {
  std::uint64_t index;
  std::int64_t rows, columns;
};

void append_outputs(std::string& bytes, std::uint64_t index, const at::Tensor& outputs) {
  const OutputHeader header{index, outputs.size(0), outputs.size(1)};
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(outputs.data_ptr<float>()),
               static_cast<std::size_t>(outputs.numel()) * sizeof(float));
}

void read_outputs(const std::string& bytes, Predictions& all) {
  for (std::size_t at = 0; at < bytes.size();) {
    OutputHeader header{};
    std::memcpy(&header, bytes.data() + at, sizeof header);
    at += sizeof header;
    if (header.index >= all.size() || all[header.index].defined()) {
      throw Error(ErrorKind::internal, "a prediction for no example, or the second for one");
    }
    auto outputs = at::empty({header.rows, header.columns}, at::kFloat);
    const auto size = static_cast<std::size_t>(outputs.numel()) * sizeof(float);
    std::memcpy(outputs.data_ptr<float>(), bytes.data() + at, size);
    all[header.index] = std::move(outputs);
    at += size;
  }
}

}  // namespace

Predictions predict_examples(const PredictionParts& parts,
                             const std::vector<EncodedExample>& examples,
                             std::int64_t micro_batch_tokens) {
  LabelledBatchOptions options;
  options.batch_size = kExamplesPerBlock;
  options.micro_batch_tokens = micro_batch_tokens;
  options.shuffle = false;
  options.fixed_micro_batches = parts.fixed_micro_batches;
  std::string mine;
  const auto& rank = parts.communicator.rank_info();
  for (std::uint64_t step = 0; step < steps_in_epoch(examples.size(), kExamplesPerBlock); ++step) {
    for (const auto& batch : labelled_step(examples, options, rank, step)) {
      parts.watchdog.report("predicting");
      inject_fault("predict");
      const auto predicted = parts.task.predict(batch);
      for (std::size_t i = 0; i < predicted.size(); ++i) {
        append_outputs(mine, batch.sample_numbers[i], predicted[i]);
      }
    }
    const auto done = (step + 1) * static_cast<std::uint64_t>(kExamplesPerBlock);
    if (parts.progress) parts.progress(std::min<std::size_t>(done, examples.size()));
  }
  parts.watchdog.report("gathering predictions");
  Predictions all(examples.size());
  for (const auto& bytes : parts.communicator.gather_bytes(mine)) read_outputs(bytes, all);
  for (const auto& outputs : all) {
    if (!outputs.defined()) throw Error(ErrorKind::internal, "an example without a prediction");
  }
  return all;
}

}  // namespace bertha
