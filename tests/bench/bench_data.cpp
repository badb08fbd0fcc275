// Data pipeline per core: index of an epoch, samples (reading, pairing, masking), packing.
// Arguments: a corpus or a folder of foreign shards ("-": a synthetic corpus of 20 million tokens),
// sequence length, tokens to make, masking strategy, vocabulary of foreign shards, "texts" for
// single texts instead of pairs.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data_pipeline/samples/corpus_samples.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/training_data.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "tests/bench/synthetic_corpus.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

MaskingStrategy strategy_of(const std::string& name) {
  if (name == "token") return MaskingStrategy::token;
  if (name == "word") return MaskingStrategy::word;
  if (name == "span") return MaskingStrategy::span;
  if (name == "character") return MaskingStrategy::character;
  throw Error(ErrorKind::usage, name + ": token, word, span or character");
}

// Of processor time: what other programs do does not count.
double seconds(const std::function<void()>& work) {
  const auto begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// GB/s of copying so many bytes: what "at memory speed" would be.
double copying(std::size_t bytes) {
  std::vector<char> from(bytes, 1), to(bytes);
  std::memcpy(to.data(), from.data(), bytes);  // the first time its pages are made
  const auto took = seconds([&] { std::memcpy(to.data(), from.data(), bytes); });
  if (to[bytes / 2] != 1) std::abort();
  return static_cast<double>(bytes) / took / 1e9;
}

void measure_index(const DataConfig& data) {
  const Corpus corpus(data.corpus, "train", VerifyLevel::off);
  std::uint64_t samples = 0;
  SampleIndex(corpus, data, 1, 1);  // the first time its pages are mapped
  const auto took = seconds([&] { samples = SampleIndex(corpus, data, 1, 0).size(); });
  // The borders of all sentences and documents are what it reads.
  const auto borders = corpus.manifest().splits.at("train").sentences + corpus.documents();
  const auto bytes = static_cast<std::size_t>(borders) * sizeof(std::uint64_t);
  std::printf(
      "index      %8.2f M samples/s, %8.1f M tokens/s (%llu samples; %.2f GB/s of borders, memcpy "
      "of as many bytes %.2f)\n",
      static_cast<double>(samples) / took / 1e6, static_cast<double>(corpus.tokens()) / took / 1e6,
      static_cast<unsigned long long>(samples), static_cast<double>(bytes) / took / 1e9,
      copying(bytes));
  const SampleIndex index(corpus, data, 1, 7);
  const auto source = corpus_samples(corpus, data, 1)(7);
  const auto plans = std::min<std::uint64_t>(source->size, 200000);
  std::uint64_t planned = 0;
  const auto planning = seconds([&] {
    for (std::uint64_t i = 0; i < plans; ++i) {
      planned += static_cast<std::uint64_t>(index.plan(source->number_at(i)).expected_tokens);
    }
  });
  std::printf("plan       %8.3f us/sample, %8.1f M tokens/s\n",
              planning / static_cast<double>(plans) * 1e6,
              static_cast<double>(planned) / planning / 1e6);
  SequenceList sequences;
  std::uint64_t made = 0;
  const auto building = seconds([&] {
    for (std::uint64_t i = 0; i < plans; ++i) {
      sequences.clear();
      source->plan_one(source->number_at(i)).maker->append_to(sequences);
      made += sequences[0].tokens.size();
    }
  });
  std::printf("samples    %8.3f us/sample, %8.1f M tokens/s (order, plan, read, trim, mask)\n",
              building / static_cast<double>(plans) * 1e6,
              static_cast<double>(made) / building / 1e6);
}

// From foreign shards to checked rows: pread, inflate, cut, check; one thread.
void measure_reading(const DataConfig& data) {
  const ForeignCorpus corpus({data.corpus, data.vocabulary, 0, VerifyLevel::off}, "train");
  std::uint64_t tokens = 0;
  const auto took = seconds([&] {
    for (std::size_t b = 0; b < corpus.blocks().size(); ++b) tokens += corpus.read(b).tokens.size();
  });
  std::printf("reading    %8.3f us/row,    %8.1f M tokens/s (foreign shards, every row checked)\n",
              took / static_cast<double>(corpus.rows()) * 1e6,
              static_cast<double>(tokens) / took / 1e6);
}

// What one of several ranks spends on an epoch, from files to its batches: all read and inflate,
// each takes apart its own rows.
void measure_ranks(const TrainingData& corpus, const BatchOptions& options) {
  for (const int ranks : {1, 2, 4, 8}) {
    std::uint64_t tokens = 0;
    const auto took = seconds([&] {
      const auto stream = corpus.stream(options, {0, ranks, 0, ranks}, {});
      for (std::uint32_t epoch = 0; epoch == 0;) {
        const auto step = stream->next();
        for (const auto& batch : step.micro_batches) tokens += batch.tokens.size();
        epoch = step.after.epoch;
      }
    });
    std::printf("of%d ranks  %8.1f M tokens/s of the global batch (%.1f of its own)\n", ranks,
                static_cast<double>(tokens) * ranks / took / 1e6,
                static_cast<double>(tokens) / took / 1e6);
  }
}

// From shards to packed batches, on one thread (foreign shards: once they are read).
void measure_stream(const TrainingData& corpus, const BatchOptions& options,
                    std::uint64_t tokens_wanted) {
  const auto stream = corpus.stream(options, {}, {});
  stream->next();
  const auto budget = static_cast<std::uint64_t>(options.micro_batch_tokens);
  std::uint64_t tokens = 0, sequences = 0, room = 0, least_room = 0;
  const auto took = seconds([&] {
    while (tokens < tokens_wanted) {
      const auto step = stream->next();
      std::uint64_t of_step = 0;
      for (const auto& batch : step.micro_batches) {
        of_step += batch.tokens.size();
        sequences += static_cast<std::uint64_t>(batch.sequence_count());
      }
      tokens += of_step;
      room += step.micro_batches.size() * budget;
      least_room += (of_step + budget - 1) / budget * budget;
    }
  });
  std::printf(
      "batches    %8.3f us/sample, %8.1f M tokens/s, fill %.1f %% of %.1f %% possible (all of "
      "it)\n",
      took / static_cast<double>(sequences) * 1e6, static_cast<double>(tokens) / took / 1e6,
      100 * static_cast<double>(tokens) / static_cast<double>(room),
      100 * static_cast<double>(tokens) / static_cast<double>(least_room));
}

// SHA-256 over the first micro-batches: two builds that print the same make the same.
void print_digest(const TrainingData& corpus, const BatchOptions& options) {
  constexpr std::size_t kMicroBatches = 2000;
  const auto stream = corpus.stream(options, {}, {});
  Sha256 hash;
  std::size_t batches = 0;
  while (batches < kMicroBatches) {
    for (const auto& batch : stream->next().micro_batches) {
      const auto add = [&hash](const auto& values) {
        hash.update(values.data(), values.size() * sizeof values[0]);
      };
      add(batch.tokens);
      add(batch.segments);
      add(batch.positions);
      add(batch.sequence_offsets);
      add(batch.masked_positions);
      add(batch.masked_labels);
      add(batch.next_sentence);
      add(batch.sample_numbers);
      ++batches;
    }
  }
  std::printf("digest     %s of %zu micro-batches\n", hash.hex().substr(0, 32).c_str(), batches);
}

void run(int count, char** arguments) {
  ScratchFolder scratch(fs::temp_directory_path());
  DataConfig data;
  data.corpus = count > 1 ? arguments[1] : "-";
  if (data.corpus == "-") {
    data.corpus = scratch.path;
    write_synthetic_corpus(data.corpus, 20'000'000);
  }
  data.verify = VerifyLevel::off;
  data.sequence_length = count > 2 ? std::atoi(arguments[2]) : 512;
  const auto tokens = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 20'000'000;
  if (count > 4) data.masking.strategy = strategy_of(arguments[4]);
  if (count > 5) data.vocabulary = arguments[5];
  data.next_sentence = count <= 6;
  is_foreign_folder(data.corpus) ? measure_reading(data) : measure_index(data);
  const TrainingData corpus(data, "train");
  BatchOptions options;
  options.prefetch = 0;
  options.micro_batch_tokens = 16384;
  if (is_foreign_folder(data.corpus)) measure_ranks(corpus, options);
  measure_stream(corpus, options, tokens);
  print_digest(corpus, options);
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  bertha::run(count, arguments);
}
