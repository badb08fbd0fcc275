// Host vectors to device tensors, checked before the model sees them.
#include "trainer/tasks/device_batch.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void check_sequence(const Batch& batch, std::size_t sequence, const BertConfig& config) {
  const auto begin = batch.sequence_offsets[sequence];
  const auto end = batch.sequence_offsets[sequence + 1];
  const auto sample = sequence < batch.sample_numbers.size() ? batch.sample_numbers[sequence] : 0;
  if (end - begin < 1 || end - begin > config.max_positions) {
    throw Error(ErrorKind::bad_data,
                fmt::format("sample {} has {} tokens; the model takes 1 to {}", sample, end - begin,
                            config.max_positions),
                "lower data.sequence_length or task.max_length, or raise model.max_positions");
  }
  for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
    if (batch.tokens[i] < 0 || batch.tokens[i] >= config.vocabulary_size) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("sample {} holds token id {}; the model's vocabulary has {}", sample,
                              batch.tokens[i], config.vocabulary_size),
                  "use the vocabulary the model was trained with");
    }
    if (batch.positions[i] < 0 || batch.positions[i] >= config.max_positions) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("sample {} has position {}; the model knows {}", sample,
                              batch.positions[i], config.max_positions));
    }
    if (batch.segments[i] < 0 || batch.segments[i] >= config.segment_types) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("sample {} has segment {}; the model knows {}", sample,
                              batch.segments[i], config.segment_types));
    }
  }
}

}  // namespace

at::Tensor indices_on(const std::vector<std::int32_t>& values, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kInt);
  // From pinned memory a copy to a GPU is queued, and nobody waits for it.
  auto tensor = at::empty({static_cast<std::int64_t>(values.size())},
                          options.pinned_memory(device.is_cuda()));
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int32_t>());
  return tensor.to(device, /*non_blocking=*/true).to(at::kLong);
}

PackedInput pack_input(const Batch& batch, const BertConfig& config, at::Device device) {
  for (std::size_t s = 0; s < static_cast<std::size_t>(batch.sequence_count()); ++s) {
    check_sequence(batch, s, config);
  }
  PackedInput input;
  input.tokens = indices_on(batch.tokens, device);
  input.segments = indices_on(batch.segments, device);
  input.positions = indices_on(batch.positions, device);
  input.sequence_offsets = batch.sequence_offsets;
  input.sequence_starts =
      indices_on({batch.sequence_offsets.begin(), batch.sequence_offsets.end() - 1}, at::kCPU);
  input.sample_numbers = batch.sample_numbers;
  for (std::size_t s = 0; s + 1 < batch.sequence_offsets.size(); ++s) {
    input.longest = std::max<std::int64_t>(
        input.longest, batch.sequence_offsets[s + 1] - batch.sequence_offsets[s]);
  }
  return input;
}

void check_predictions(const Batch& batch, const BertConfig& config) {
  for (std::size_t i = 0; i < batch.masked_positions.size(); ++i) {
    const auto position = batch.masked_positions[i], label = batch.masked_labels[i];
    if (position < 0 || position >= batch.token_count() || label < 0 ||
        label >= config.vocabulary_size) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("a batch masks position {} of {} and predicts word {} of {}",
                              position, batch.token_count(), label, config.vocabulary_size),
                  "use the vocabulary the model was trained with");
    }
  }
}

double squared_lengths(const Batch& batch) {
  double sum = 0;
  for (std::size_t s = 0; s + 1 < batch.sequence_offsets.size(); ++s) {
    const double length = batch.sequence_offsets[s + 1] - batch.sequence_offsets[s];
    sum += length * length;
  }
  return sum;
}

}  // namespace bertha
