// Text files to a corpus folder, shared by several ranks; the same bytes for any number of them.
//
// Three steps, with an exchange between ranks after the first two (the caller has the
// communicator):
//   1. every rank tokenizes its share of the input into a spill file and describes it in an index;
//   2. all ranks see all indexes and compute the same shard plan: documents in input order, cut
//      into shards of about `shard_tokens`; validation documents chosen by hash of (seed, number);
//   3. every rank writes its share of the shards from the spill files; rank 0 adds manifest,
//      vocabulary and tokenizer files and publishes the folder by renaming.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"
#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "parallel/base/rank_info.h"

namespace bertha {

struct PrepareOptions {
  InputOptions input;
  std::filesystem::path vocabulary;
  TokenizerOptions tokenizer;
  std::filesystem::path output;
  std::uint64_t shard_tokens = 10'000'000;
  double validation_fraction =
      0.02;  // of the documents; at least one when over 0 and there are two
  std::uint64_t seed = 1;
  int workers = 0;  // threads per rank; 0: one per core shared by the ranks of this node
};

struct PrepareReport {
  CorpusManifest manifest;
  ReadStatistics read;
  double seconds = 0;
};

// What a rank needs of the others: everybody's bytes by rank (Communicator::gather_bytes).
using GatherBytes = std::function<std::vector<std::string>(std::string_view)>;
// done and total input bytes of this rank.
using PrepareProgress = std::function<void(std::uint64_t, std::uint64_t)>;

// Collective over all ranks. Errors on one rank must be agreed by the caller through `gather`:
// prepare_corpus does so itself and throws the same error on all ranks. Nothing appears under
// `output` unless everything worked. Error{bad_data}: no documents.
PrepareReport prepare_corpus(const PrepareOptions& options, const RankInfo& rank,
                             const GatherBytes& gather, const PrepareProgress& progress);

}  // namespace bertha
