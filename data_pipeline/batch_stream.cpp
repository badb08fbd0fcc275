// Places in the order of an epoch to samples, to this rank's share of them, to micro-batches.
#include "data_pipeline/batch_stream.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prefetch.h"
#include "data_pipeline/samples/collate.h"
#include "data_pipeline/samples/rank_share.h"
#include "data_pipeline/samples/sample_builder.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/samples/sample_order.h"
#include "data_pipeline/samples/worker_threads.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;
using SharedIndex = std::shared_ptr<const SampleIndex>;

constexpr std::size_t kSamplesPerBlock = 8;  // of a thread's turn
constexpr std::size_t kIndexesKept = 2;      // a batch may span the border of two epochs

// One sample of a global batch.
struct Wanted {
  SharedIndex index;
  std::uint64_t number = 0;  // in its epoch
};

void require_samples(std::uint64_t samples, const Corpus& corpus, const DataConfig& data) {
  if (samples > 0) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("corpus {} has {} documents and makes no training sample",
                          data.corpus.string(), corpus.documents()),
              "prepare a corpus of more text");
}

void require_documents(const Corpus& corpus, const DataConfig& data) {
  if (!data.next_sentence || corpus.documents() != 1) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("corpus {} has one document to train on; next-sentence prediction needs "
                          "two or more, because a random text B comes from another one",
                          data.corpus.string()),
              "add documents, or train without it: --data.next_sentence false");
}

// This rank's share of a global batch, as micro-batches. All ranks plan every sample, because only
// the whole tells the shares; each builds its own.
std::vector<Batch> build_share(const std::vector<Wanted>& wanted, const SampleBuilder& builder,
                               const DataConfig& data, const BatchOptions& options,
                               const RankInfo& rank) {
  std::vector<SamplePlan> plans(wanted.size());
  std::vector<int> lengths(wanted.size());
  for_each_block(wanted.size(), kSamplesPerBlock, data.workers,
                 [&](std::size_t, std::size_t begin, std::size_t end) {
                   for (auto i = begin; i < end; ++i) {
                     plans[i] = wanted[i].index->plan(wanted[i].number);
                     lengths[i] = plans[i].expected_tokens;
                   }
                 });
  const auto share = rank_share(lengths, rank);
  std::vector<LabelledSequence> sequences(share.size());
  for_each_block(share.size(), kSamplesPerBlock, data.workers,
                 [&](std::size_t, std::size_t begin, std::size_t end) {
                   for (auto i = begin; i < end; ++i) {
                     const auto& sample = wanted[share[i]];
                     sequences[i] =
                         builder.build(plans[share[i]], sample.number, sample.index->epoch());
                   }
                 });
  return collate(sequences, options.micro_batch_tokens, data.next_sentence);
}

}  // namespace

struct BatchStream::State {
  State(const Corpus& corpus_of_stream, const DataConfig& config, const BatchOptions& options_given,
        const RankInfo& rank_info, const StreamCursor& start)
      : corpus(corpus_of_stream),
        data(config),
        options(options_given),
        rank(rank_info),
        builder(corpus_of_stream, config, options_given.seed),
        cursor(start) {}

  SharedIndex index(std::uint32_t epoch);
  std::vector<Wanted> next_global_batch();
  StepBatches make_step();

  const Corpus& corpus;
  const DataConfig data;
  const BatchOptions options;
  const RankInfo rank;
  const SampleBuilder builder;
  StreamCursor cursor;  // of the step that is made next

  std::mutex mutex;  // guards the two below
  std::map<std::uint32_t, SharedIndex> indexes;
  std::map<std::uint32_t, std::uint64_t> sizes;  // also of epochs whose index is gone

  std::optional<Prefetch<StepBatches>> prefetch;  // last: its thread uses the rest
};

SharedIndex BatchStream::State::index(std::uint32_t epoch) {
  const std::lock_guard lock(mutex);
  auto& found = indexes[epoch];
  if (found) return found;
  found = std::make_shared<const SampleIndex>(corpus, data, options.seed, epoch);
  sizes[epoch] = found->size();
  const auto result = found;
  while (indexes.size() > kIndexesKept) {
    const bool oldest_is_ours = indexes.begin()->first == epoch;
    indexes.erase(oldest_is_ours ? std::next(indexes.begin()) : indexes.begin());
  }
  return result;
}

std::vector<Wanted> BatchStream::State::next_global_batch() {
  std::vector<Wanted> wanted;
  while (static_cast<std::int64_t>(wanted.size()) < options.global_batch) {
    const auto of_epoch = index(cursor.epoch);
    require_samples(of_epoch->size(), corpus, data);
    const SampleOrder order(of_epoch->size(), options.seed, cursor.epoch);
    while (cursor.next < order.size() &&
           static_cast<std::int64_t>(wanted.size()) < options.global_batch) {
      wanted.push_back({of_epoch, order.at(cursor.next++)});
    }
    if (cursor.next >= order.size()) cursor = {cursor.epoch + 1, 0, cursor.samples};
  }
  cursor.samples += wanted.size();
  return wanted;
}

StepBatches BatchStream::State::make_step() {
  StepBatches step;
  step.micro_batches = build_share(next_global_batch(), builder, data, options, rank);
  step.after = cursor;
  return step;
}

BatchStream::BatchStream(const Corpus& corpus, const DataConfig& data, const BatchOptions& options,
                         const RankInfo& rank, const StreamCursor& start)
    : state_(std::make_unique<State>(corpus, data, options, rank, start)) {
  if (options.global_batch < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("train.global_batch is {}; it must be positive", options.global_batch));
  }
  require_documents(corpus, data);
  require_samples(state_->index(start.epoch)->size(), corpus, data);
  if (options.prefetch > 0) {
    state_->prefetch.emplace([state = state_.get()] { return state->make_step(); },
                             static_cast<std::size_t>(options.prefetch));
  }
}

BatchStream::~BatchStream() = default;

StepBatches BatchStream::next() {
  const auto begin = Clock::now();
  auto step = state_->prefetch ? state_->prefetch->next() : state_->make_step();
  step.wait_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return step;
}

std::uint64_t BatchStream::samples_in_epoch(std::uint32_t epoch) {
  {
    const std::lock_guard lock(state_->mutex);
    if (const auto known = state_->sizes.find(epoch); known != state_->sizes.end()) {
      return known->second;
    }
  }
  return state_->index(epoch)->size();
}

std::vector<Batch> validation_batches(const Corpus& corpus, const DataConfig& data,
                                      const BatchOptions& options, const RankInfo& rank,
                                      std::uint64_t max_samples) {
  if (rank.is_root() && data.next_sentence && corpus.documents() == 1) {
    log_warning(
        fmt::format("the split of corpus {} that is evaluated has one document: random texts B "
                    "come from elsewhere in it, so next-sentence scores say little",
                    data.corpus.string()));
  }
  const auto index = std::make_shared<const SampleIndex>(corpus, data, options.seed, 0U);
  const SampleBuilder builder(corpus, data, options.seed);
  const auto all = index->size();
  const auto count = max_samples > 0 ? std::min(all, max_samples) : all;
  const auto per_batch =
      static_cast<std::uint64_t>(std::max<std::int64_t>(1, options.global_batch));
  std::vector<Batch> batches;
  for (std::uint64_t begin = 0; begin < count; begin += per_batch) {
    std::vector<Wanted> wanted;
    for (auto i = begin; i < std::min(count, begin + per_batch); ++i) {
      // Some of all: spread evenly over the split.
      wanted.push_back({index, static_cast<std::uint64_t>(Wide{i} * all / count)});
    }
    auto share = build_share(wanted, builder, data, options, rank);
    std::move(share.begin(), share.end(), std::back_inserter(batches));
  }
  return batches;
}

}  // namespace bertha
