// Data pipeline per core: index of an epoch, samples (reading, pairing, masking), packing.
// Arguments: a corpus or a folder of foreign shards, sequence length, tokens to make, masking
// strategy, vocabulary of foreign shards. Without arguments a synthetic corpus of 20 million tokens
// is made.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <unistd.h>

#include "data_pipeline/samples/corpus_samples.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/training_data.h"
#include "launch/option_values.h"
#include "parallel/base/philox.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct ScratchFolder {
  fs::path path = fs::temp_directory_path() / ("bertha-bench-data-" + std::to_string(::getpid()));
  ~ScratchFolder() { fs::remove_all(path); }
};

// Documents of 1 to 60 sentences of 4 to 44 tokens, about as Wikipedia has them; one token in four
// continues a word.
void write_synthetic(const fs::path& folder, std::uint64_t tokens_wanted) {
  std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  constexpr std::int32_t kVocabulary = 30522;
  for (std::int32_t id = 5; id < kVocabulary; ++id) {
    text += (id % 4 == 0 ? "##t" : "t") + std::to_string(id) + "\n";
  }
  const auto vocabulary = Vocabulary::from_text(text, "synthetic");
  Philox random(1, RandomPurpose::sample_order, 0);
  std::vector<std::vector<std::uint32_t>> documents;
  ShardWriter::Shape shape{0, 0, 0, kVocabulary, vocabulary.sha256()};
  while (shape.tokens < tokens_wanted) {
    auto& lengths = documents.emplace_back(1 + random.next_below(60));
    for (auto& length : lengths) {
      length = 4 + static_cast<std::uint32_t>(random.next_below(41));
      shape.tokens += length;
    }
    ++shape.documents;
    shape.sentences += lengths.size();
  }
  fs::create_directories(folder);
  const auto name = shard_file_name("train", 0, 1);
  ShardWriter writer(folder / name, shape);
  std::vector<std::int32_t> tokens;
  for (const auto& lengths : documents) {
    std::size_t size = 0;
    for (const auto length : lengths) size += length;
    tokens.resize(size);
    for (auto& id : tokens) id = 5 + static_cast<std::int32_t>(random.next_below(kVocabulary - 5));
    writer.add_document(tokens, lengths);
  }
  CorpusManifest manifest;
  manifest.vocabulary_sha256 = vocabulary.sha256();
  manifest.vocabulary_size = kVocabulary;
  manifest.splits["train"] = {shape.documents, shape.sentences, shape.tokens, {writer.finish()}};
  write_file(folder / "vocab.txt", vocabulary.text());
  write_file(folder / "manifest.json", manifest.to_json());
}

void measure_index(const DataConfig& data) {
  const Corpus corpus(data.corpus, "train", VerifyLevel::off);
  std::uint64_t samples = 0;
  const auto took = seconds([&] { samples = SampleIndex(corpus, data, 1, 0).size(); });
  std::printf("index      %8.2f M samples/s, %8.1f M tokens/s (%llu samples)\n",
              static_cast<double>(samples) / took / 1e6,
              static_cast<double>(corpus.tokens()) / took / 1e6,
              static_cast<unsigned long long>(samples));
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
  std::vector<LabelledSequence> sequences;
  std::uint64_t made = 0;
  const auto building = seconds([&] {
    for (std::uint64_t i = 0; i < plans; ++i) {
      sequences.clear();
      source->plan(source->number_at(i)).append_to(sequences);
      made += sequences.front().sequence.tokens.size();
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

// From shards to packed batches, on one thread (foreign shards: once they are read).
void measure_stream(const DataConfig& data, std::uint64_t tokens_wanted) {
  BatchOptions options;
  options.prefetch = 0;
  options.micro_batch_tokens = 16384;
  const TrainingData corpus(data, "train");
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

void run(int count, char** arguments) {
  ScratchFolder scratch;
  DataConfig data;
  if (count > 1) {
    data.corpus = arguments[1];
  } else {
    data.corpus = scratch.path;
    write_synthetic(data.corpus, 20'000'000);
  }
  data.verify = VerifyLevel::off;
  data.sequence_length = count > 2 ? std::atoi(arguments[2]) : 512;
  const auto tokens = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 20'000'000;
  if (count > 4) parse_value(arguments[4], data.masking.strategy);
  if (count > 5) data.vocabulary = arguments[5];
  is_foreign_folder(data.corpus) ? measure_reading(data) : measure_index(data);
  measure_stream(data, tokens);
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  bertha::run(count, arguments);
}
