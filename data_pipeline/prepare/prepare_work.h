// Where `prepare` keeps what it has done so far, so that the same command goes on after a kill:
// `<output>.preparing` beside the corpus-to-be in `<output>.staging`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "data_pipeline/prepare/prepare.h"
#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/shards/buffered_writer.h"

namespace bertha {

// What the finished work depends on: a later run may use it only when these are the same.
struct PrepareDigests {
  std::string input;  // files with sizes and times, tokenizer and vocabulary: the spill
  std::string plan;   // and shard size, held-out share, seed: the shards
};
PrepareDigests digest_of(const PrepareOptions& options, const std::vector<InputUnit>& units,
                         const std::string& vocabulary_sha256);

class PrepareWork {
 public:
  // Rank 0 begins, or goes on: waits until no process of an earlier run is at work here any more
  // (a killed mpirun may leave some for a moment), and removes what belongs to another input or
  // other options. Error{io} after half a minute of waiting.
  static PrepareWork begin(const std::filesystem::path& output, const PrepareDigests& digests);
  // The other ranks, after rank 0 has begun.
  static PrepareWork join(const std::filesystem::path& output);

  const std::filesystem::path& folder() const { return folder_; }
  const std::filesystem::path& corpus() const { return corpus_; }
  bool goes_on() const { return goes_on_; }  // rank 0: something of an earlier run is there
  // A mark for the other ranks: one failed or was asked to stop, they need not go on.
  void mark_failed() const;
  bool is_marked_failed() const;
  // Rank 0, before the corpus is published: after a kill the spill stays good, but the next run
  // does not take what is in corpus() for its shards, since that may be the corpus it replaced.
  void forget_shards() const;
  void remove() const;   // the working folder; not the corpus
  void abandon() const;  // both: nothing is to be gone on with

 private:
  explicit PrepareWork(const std::filesystem::path& output);
  void lock(bool alone);
  void clean(const PrepareDigests& digests);

  std::filesystem::path output_, folder_, corpus_;
  std::string input_digest_;  // rank 0
  FileDescriptor lock_;
  bool goes_on_ = false;
};

}  // namespace bertha
