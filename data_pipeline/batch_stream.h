// Endless micro-batches of a corpus split, and where in it we are. The global batch of a step is
// the same for any number of ranks; a rank gets its share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data_pipeline/batch.h"
#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/sample_source.h"
#include "data_pipeline/shards/corpus.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// The next sample to be trained: place `next` in the order of `epoch`. All the state data has.
struct StreamCursor {
  std::uint32_t epoch = 0;
  std::uint64_t next = 0;
  std::uint64_t samples = 0;  // trained since the beginning
  bool operator==(const StreamCursor&) const = default;
};

struct BatchOptions {
  std::int64_t global_batch = 256;         // sequences per step, over all ranks
  std::int64_t micro_batch_tokens = 8192;  // budget per micro-batch
  std::uint64_t seed = 1;
  // The same micro-batches for any number of ranks, each with one of them, instead of an even share
  // of the sequences; those of a rank come after those of the ranks before it.
  bool fixed_micro_batches = false;
  int prefetch = 2;  // steps prepared ahead by a background thread; 0: none
};

// What one rank computes in one step. May be empty when there are fewer sequences than ranks. The
// last global batch of an epoch goes on into the next; where an epoch is smaller than a global
// batch a sample stands in it twice, each time masked anew but with the same dropout.
struct StepBatches {
  std::vector<Batch> micro_batches;
  StreamCursor after;       // the cursor behind this step's global batch
  double wait_seconds = 0;  // the caller waited this long for data
};

class BatchStream {
 public:
  // Error{bad_data}: no sample.
  BatchStream(SampleSource source, const DataConfig& data, const BatchOptions& options,
              const RankInfo& rank, const StreamCursor& start);
  // With next_sentence one document is enough (with a warning): its random texts B come from
  // elsewhere in it. Error{bad_data}: no sample.
  BatchStream(const Corpus& corpus, const DataConfig& data, const BatchOptions& options,
              const RankInfo& rank, const StreamCursor& start);
  ~BatchStream();

  StepBatches next();
  std::uint64_t samples_in_epoch(std::uint32_t epoch);  // builds that epoch's index if need be

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// This rank's share of one pass over a split, epoch 0, for validation: masks and pairs
// are the same every time and for any number of ranks. `max_samples` 0: all; else so many, spread
// evenly over the split. One document is enough, as for BatchStream.
std::vector<Batch> validation_batches(const SampleSource& source, const DataConfig& data,
                                      const BatchOptions& options, const RankInfo& rank,
                                      std::uint64_t max_samples);
std::vector<Batch> validation_batches(const Corpus& corpus, const DataConfig& data,
                                      const BatchOptions& options, const RankInfo& rank,
                                      std::uint64_t max_samples);

}  // namespace bertha
