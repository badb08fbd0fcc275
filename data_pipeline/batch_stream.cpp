// Places in the order of an epoch to samples, to this rank's share of them, to micro-batches.
#include "data_pipeline/batch_stream.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/epoch_shelf.h"
#include "data_pipeline/prefetch.h"
#include "data_pipeline/samples/collate.h"
#include "data_pipeline/samples/corpus_samples.h"
#include "data_pipeline/samples/made_samples.h"
#include "data_pipeline/samples/worker_threads.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;
using SharedSamples = EpochShelf::Samples;

constexpr std::size_t kSamplesPerBlock = 16;  // of a thread's turn

// One sample of a global batch.
struct Wanted {
  SharedSamples samples;
  std::uint64_t place = 0;  // in the order of training of its epoch, or
  bool is_number = false;   // its number
};

void require_samples(std::uint64_t samples, const DataConfig& data) {
  if (samples > 0) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("corpus {} makes no training sample", data.corpus.string()),
              "prepare a corpus of more text");
}

// Random texts B of one document come from elsewhere in it.
const Corpus& warned_of(const Corpus& corpus, const DataConfig& data, const RankInfo& rank,
                        const char* what_for) {
  if (rank.is_root() && data.next_sentence && corpus.documents() == 1) {
    log_warning(fmt::format(
        "corpus {} has one document to {}: random texts B come from elsewhere in it, so "
        "next-sentence prediction says little (data.next_sentence false does without)",
        data.corpus.string(), what_for));
  }
  return corpus;
}

// A global batch before it is made.
struct GlobalPlan {
  std::vector<PlannedSample> samples;
  std::vector<int> lengths;
};

// Neighbours of the same epoch together.
void plan_block(std::span<const Wanted> wanted, std::span<PlannedSample> planned) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t begin = 0; begin < wanted.size();) {
    const auto& samples = wanted[begin].samples;
    numbers.clear();
    auto end = begin;
    for (; end < wanted.size() && wanted[end].samples == samples; ++end) {
      const auto place = wanted[end].place;
      numbers.push_back(wanted[end].is_number ? place : samples->number_at(place));
    }
    samples->plan(numbers, planned.subspan(begin, end - begin));
    begin = end;
  }
}

GlobalPlan plan_batch(const std::vector<Wanted>& wanted, int workers) {
  GlobalPlan plan{std::vector<PlannedSample>(wanted.size()), std::vector<int>(wanted.size())};
  for_each_block(wanted.size(), kSamplesPerBlock, workers,
                 [&](std::size_t, std::size_t begin, std::size_t end) {
                   plan_block(std::span(wanted).subspan(begin, end - begin),
                              std::span(plan.samples).subspan(begin, end - begin));
                 });
  for (std::size_t i = 0; i < wanted.size(); ++i) plan.lengths[i] = plan.samples[i].tokens;
  return plan;
}

// Micro-batches of a rank's share, under a budget of tokens.
void append_packed(std::span<const SequenceView> sequences, std::int64_t token_budget,
                   const DataConfig& data, std::vector<Batch>& batches) {
  std::vector<int> lengths;
  lengths.reserve(sequences.size());
  for (const auto& sequence : sequences) lengths.push_back(sequence.length());
  const auto packed = pack(lengths, token_budget);
  const auto before = batches.size();
  batches.resize(before + packed.size());
  for_each_block(packed.size(), 1, data.workers,
                 [&](std::size_t, std::size_t begin, std::size_t end) {
                   for (auto i = begin; i < end; ++i) {
                     batches[before + i] = collate(sequences, packed[i], data.next_sentence);
                   }
                 });
}

// Micro-batches that do not depend on ranks, of several global batches; a rank's are neighbours.
std::vector<Batch> build_fixed(const std::vector<GlobalPlan>& plans, const DataConfig& data,
                               std::int64_t micro_batch_tokens, const RankInfo& rank,
                               MadeSamples& made) {
  std::vector<std::pair<std::size_t, Places>> fixed;  // plan, places in it
  for (std::size_t i = 0; i < plans.size(); ++i) {
    for (auto& places : fixed_micro_batches(plans[i].lengths, micro_batch_tokens)) {
      fixed.emplace_back(i, std::move(places));
    }
  }
  const auto mine = micro_batches_of(fixed.size(), rank);
  std::vector<Batch> batches;
  for (auto i = mine.begin; i < mine.end; ++i) {
    const auto& [plan, places] = fixed[i];
    // Masking by character lengthens samples: what was planned as one stays one.
    batches.push_back(
        collate(made.make(plans[plan].samples, places, data.workers), data.next_sentence));
  }
  return batches;
}

// This rank's share of global batches, as micro-batches. All ranks plan every sample, because only
// the whole tells the shares; each makes its own.
std::vector<Batch> build_share(const std::vector<std::vector<Wanted>>& global_batches,
                               const DataConfig& data, const BatchOptions& options,
                               const RankInfo& rank, MadeSamples& made) {
  std::vector<GlobalPlan> plans;
  std::vector<Batch> batches;
  for (const auto& wanted : global_batches) {
    plans.push_back(plan_batch(wanted, data.workers));
    if (options.fixed_micro_batches) continue;
    const auto sequences =
        made.make(plans.back().samples, rank_share(plans.back().lengths, rank), data.workers);
    append_packed(sequences, options.micro_batch_tokens, data, batches);
    plans.pop_back();
  }
  return options.fixed_micro_batches
             ? build_fixed(plans, data, options.micro_batch_tokens, rank, made)
             : batches;
}

}  // namespace

struct BatchStream::State {
  State(SampleSource source_of_stream, const DataConfig& config, const BatchOptions& options_given,
        const RankInfo& rank_info, const StreamCursor& start)
      : epochs(std::move(source_of_stream)),
        data(config),
        options(options_given),
        rank(rank_info),
        cursor(start) {}

  std::vector<Wanted> next_global_batch();
  StepBatches make_step();

  EpochShelf epochs;
  const DataConfig data;
  const BatchOptions options;
  const RankInfo rank;
  StreamCursor cursor;  // of the step that is made next
  MadeSamples made;     // memory for samples

  std::optional<Prefetch<StepBatches>> prefetch;  // last: its thread uses the rest
};

std::vector<Wanted> BatchStream::State::next_global_batch() {
  std::vector<Wanted> wanted;
  while (static_cast<std::int64_t>(wanted.size()) < options.global_batch) {
    const auto of_epoch = epochs.get(cursor.epoch);
    require_samples(of_epoch->size, data);
    while (cursor.next < of_epoch->size &&
           static_cast<std::int64_t>(wanted.size()) < options.global_batch) {
      wanted.push_back({of_epoch, cursor.next++});
    }
    // An epoch that is smaller than a batch is made at once.
    if (cursor.next >= of_epoch->next_wanted_from && of_epoch->size > wanted.size()) {
      epochs.make_ahead(cursor.epoch + 1);
    }
    if (cursor.next >= of_epoch->size) cursor = {cursor.epoch + 1, 0, cursor.samples};
  }
  cursor.samples += wanted.size();
  return wanted;
}

StepBatches BatchStream::State::make_step() {
  StepBatches step;
  step.micro_batches = build_share({next_global_batch()}, data, options, rank, made);
  step.after = cursor;
  return step;
}

BatchStream::BatchStream(SampleSource source, const DataConfig& data, const BatchOptions& options,
                         const RankInfo& rank, const StreamCursor& start)
    : state_(std::make_unique<State>(std::move(source), data, options, rank, start)) {
  if (options.global_batch < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("train.global_batch is {}; it must be positive", options.global_batch));
  }
  require_samples(state_->epochs.get(start.epoch)->size, data);
  if (options.prefetch > 0) {
    state_->prefetch.emplace([state = state_.get()] { return state->make_step(); },
                             static_cast<std::size_t>(options.prefetch));
  }
}

BatchStream::BatchStream(const Corpus& corpus, const DataConfig& data, const BatchOptions& options,
                         const RankInfo& rank, const StreamCursor& start)
    : BatchStream(corpus_samples(warned_of(corpus, data, rank, "train on"), data, options.seed,
                                 cores_of(rank)),
                  data, options, rank, start) {}

BatchStream::~BatchStream() = default;

StepBatches BatchStream::next() {
  const auto begin = Clock::now();
  auto step = state_->prefetch ? state_->prefetch->next() : state_->make_step();
  step.wait_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return step;
}

std::uint64_t BatchStream::samples_in_epoch(std::uint32_t epoch) {
  return state_->epochs.size_of(epoch);
}

std::vector<Batch> validation_batches(const SampleSource& source, const DataConfig& data,
                                      const BatchOptions& options, const RankInfo& rank,
                                      std::uint64_t max_samples) {
  const auto samples = source(0);
  const auto all = samples->size;
  const auto count = max_samples > 0 ? std::min(all, max_samples) : all;
  const auto per_batch =
      static_cast<std::uint64_t>(std::max<std::int64_t>(1, options.global_batch));
  std::vector<std::vector<Wanted>> global_batches;
  for (std::uint64_t begin = 0; begin < count; begin += per_batch) {
    auto& wanted = global_batches.emplace_back();
    for (auto i = begin; i < std::min(count, begin + per_batch); ++i) {
      // Some of all: spread evenly over the split.
      wanted.push_back({samples, static_cast<std::uint64_t>(Wide{i} * all / count), true});
    }
  }
  MadeSamples made;
  return build_share(global_batches, data, options, rank, made);
}

std::vector<Batch> validation_batches(const Corpus& corpus, const DataConfig& data,
                                      const BatchOptions& options, const RankInfo& rank,
                                      std::uint64_t max_samples) {
  return validation_batches(
      corpus_samples(warned_of(corpus, data, rank, "evaluate"), data, options.seed), data, options,
      rank, max_samples);
}

}  // namespace bertha
