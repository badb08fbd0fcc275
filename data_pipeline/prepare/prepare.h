// Text files to a corpus folder, shared by several ranks; the same bytes for any number of them.
//
// Three steps, with an exchange between ranks after each (the caller has the communicator):
//   1. the ranks share the units of the input (prepare_units.h) and tokenize each into files of its
//      own, which then need not be done again;
//   2. all ranks read what documents there are and compute the same shard plan: documents in input
//      order, without duplicates where that is wanted, cut into shards of about `shard_tokens`;
//      validation documents chosen by hash of (seed, number);
//   3. every rank writes its share of the shards; rank 0 adds manifest, vocabulary and tokenizer
//      files and publishes the folder by renaming.
// After a kill the same options go on with what was finished (prepare_work.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/prepare/corpus_statistics.h"
#include "data_pipeline/prepare/prepare_units.h"
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
  // Of documents that are the same (as normalised by the tokenizer, sentence by sentence) the first
  // stays.
  bool drop_duplicates = false;
  // Shards say which ideographs make a word: masking by words and spans then need not ask ICU.
  bool word_boundaries = false;
  int workers = 0;  // threads per rank; 0: one per core shared by the ranks of this node
  std::uint64_t least_unit_bytes = kLeastUnitBytes;  // see prepare_units.h; smaller in tests
};

struct PrepareReport {
  CorpusManifest manifest;
  ReadStatistics read;
  CorpusStatistics statistics;
  double seconds = 0;
};

// What a rank needs of the others: everybody's bytes by rank (Communicator::gather_bytes).
using GatherBytes = std::function<std::vector<std::string>(std::string_view)>;

enum class PrepareStage { tokenize, write, convert };
struct PrepareHooks {
  GatherBytes gather;
  // Done and total of what this rank has left to do: input bytes, tokens, or rows of foreign
  // shards. May be empty.
  std::function<void(PrepareStage, std::uint64_t, std::uint64_t)> progress;
  // Whether to stop here, to go on later: Error{stopped}. May be empty.
  std::function<bool()> stop_requested;
  // A piece is done, however small: where one rank waits for another, that is worth it. Called
  // often, by any thread. May be empty.
  std::function<void()> got_on{};
};

// Collective over all ranks. Errors on one rank are agreed on through `gather`, and thrown on all
// ranks. Nothing appears under `output` unless everything worked. Error{bad_data}: no documents.
PrepareReport prepare_corpus(const PrepareOptions& options, const RankInfo& rank,
                             const PrepareHooks& hooks);

}  // namespace bertha
