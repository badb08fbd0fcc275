// Steps of an epoch of labelled examples.
#include "data_pipeline/labelled/labelled_batches.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "data_pipeline/samples/collate.h"
#include "data_pipeline/samples/sample_order.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

std::uint64_t positive(std::int64_t batch_size) {
  if (batch_size > 0) return static_cast<std::uint64_t>(batch_size);
  throw Error(ErrorKind::usage,
              fmt::format("task.batch_size is {}; it must be positive", batch_size));
}

// The examples of a step, in the order of the epoch.
std::vector<const EncodedExample*> step_examples(const std::vector<EncodedExample>& examples,
                                                 const LabelledBatchOptions& options,
                                                 std::uint64_t step) {
  const auto size = positive(options.batch_size);
  const SampleOrder order(examples.size(), options.seed, options.epoch,
                          RandomPurpose::labelled_order);
  std::vector<const EncodedExample*> chosen;
  if (step >= steps_in_epoch(examples.size(), options.batch_size)) return chosen;
  const auto first = step * size;
  for (auto i = first; i < examples.size() && i - first < size; ++i) {
    chosen.push_back(&examples[static_cast<std::size_t>(options.shuffle ? order.at(i) : i)]);
  }
  return chosen;
}

// The examples at `places` of a step as a micro-batch.
Batch batch_of(const std::vector<const EncodedExample*>& chosen, const Places& places) {
  std::vector<SequenceView> sequences;
  for (const auto place : places) {
    const auto& example = *chosen[place];
    sequences.push_back({example.tokens, example.segments, {}, {}, 0, example.number});
  }
  auto batch = collate(sequences, false);
  for (const auto place : places) {
    const auto& example = *chosen[place];
    batch.labels.insert(batch.labels.end(), example.labels.begin(), example.labels.end());
    batch.values.insert(batch.values.end(), example.values.begin(), example.values.end());
  }
  return batch;
}

// This rank's micro-batches, as places in `lengths`.
std::vector<Places> share_of(const std::vector<int>& lengths, const LabelledBatchOptions& options,
                             const RankInfo& rank) {
  if (options.fixed_micro_batches) {
    auto fixed = fixed_micro_batches(lengths, options.micro_batch_tokens);
    const auto mine = micro_batches_of(fixed.size(), rank);
    return {fixed.begin() + static_cast<std::ptrdiff_t>(mine.begin),
            fixed.begin() + static_cast<std::ptrdiff_t>(mine.end)};
  }
  const auto share = rank_share(lengths, rank);
  std::vector<int> own;
  for (const auto place : share) own.push_back(lengths[place]);
  auto packed = pack(own, options.micro_batch_tokens);
  for (auto& places : packed) {
    for (auto& place : places) place = share[place];
  }
  return packed;
}

}  // namespace

std::uint64_t steps_in_epoch(std::uint64_t examples, std::int64_t batch_size) {
  const auto size = positive(batch_size);
  return examples / size + (examples % size > 0 ? 1 : 0);
}

std::vector<Batch> labelled_step(const std::vector<EncodedExample>& examples,
                                 const LabelledBatchOptions& options, const RankInfo& rank,
                                 std::uint64_t step) {
  const auto chosen = step_examples(examples, options, step);
  std::vector<int> lengths;
  for (const auto* example : chosen) lengths.push_back(static_cast<int>(example->tokens.size()));
  std::vector<Batch> batches;
  for (const auto& places : share_of(lengths, options, rank)) {
    batches.push_back(batch_of(chosen, places));
  }
  return batches;
}

}  // namespace bertha
