// One call for each kind of corpus.
#include "data_pipeline/training_data.h"

#include <fmt/format.h>

#include "data_pipeline/samples/foreign_samples.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/unigram.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

constexpr int kTokenizerMaxLength = 512;  // as BERT's own; only Transformers looks at it

using Source = std::variant<Corpus, ForeignCorpus>;

ForeignCorpus::Options foreign_options(const DataConfig& data) {
  return {data.corpus, data.vocabulary, data.validation_fraction, data.verify};
}

Source open_source(const DataConfig& data, const std::string& split) {
  if (is_foreign_folder(data.corpus)) {
    return Source(std::in_place_type<ForeignCorpus>, foreign_options(data), split);
  }
  return Source(std::in_place_type<Corpus>, data.corpus, split, data.verify);
}

}  // namespace

TrainingData::TrainingData(const DataConfig& data, const std::string& split)
    : data_(data), source_(open_source(data, split)) {}

bool TrainingData::has_split(const DataConfig& data, const std::string& split) {
  if (is_foreign_folder(data.corpus)) {
    return ForeignCorpus::has_split(foreign_options(data), split);
  }
  const auto manifest = CorpusManifest::from_folder(data.corpus);
  const auto found = manifest.splits.find(split);
  return found != manifest.splits.end() && found->second.documents > 0;
}

const Vocabulary& TrainingData::vocabulary() const {
  return std::visit([](const auto& source) -> const Vocabulary& { return source.vocabulary(); },
                    source_);
}

TokenizerOptions TrainingData::tokenizer() const {
  if (std::holds_alternative<ForeignCorpus>(source_)) return data_.tokenizer;
  return std::get<Corpus>(source_).manifest().tokenizer;
}

std::string TrainingData::digest() const {
  if (const auto* foreign = std::get_if<ForeignCorpus>(&source_)) return foreign->digest();
  return std::get<Corpus>(source_).manifest().digest();
}

std::string TrainingData::description() const {
  const auto count = [](std::uint64_t value) { return human_count(static_cast<double>(value)); };
  if (const auto* foreign = std::get_if<ForeignCorpus>(&source_)) {
    return fmt::format("{} rows in {} {} shard(s), masks as they are", count(foreign->rows()),
                       foreign->shards().size(),
                       foreign_layout_name(foreign->shards().front().layout()));
  }
  const auto& corpus = std::get<Corpus>(source_);
  return fmt::format("{} documents, {} tokens", count(corpus.documents()), count(corpus.tokens()));
}

std::map<std::string, std::string> TrainingData::tokenizer_files() const {
  if (std::holds_alternative<ForeignCorpus>(source_)) {
    return bertha::tokenizer_files(vocabulary(), data_.tokenizer, kTokenizerMaxLength);
  }
  std::map<std::string, std::string> files;
  for (const char* name : {"vocab.txt", "tokenizer.json", "tokenizer_config.json"}) {
    const auto path = data_.corpus / name;
    if (std::filesystem::exists(path)) files[name] = read_file(path);
  }
  return files;
}

double TrainingData::unigram_entropy(std::uint64_t most_tokens) const {
  return std::visit(
      [&](const auto& source) { return bertha::unigram_entropy(source, most_tokens); }, source_);
}

std::unique_ptr<BatchStream> TrainingData::stream(const BatchOptions& options, const RankInfo& rank,
                                                  const StreamCursor& start) const {
  if (const auto* foreign = std::get_if<ForeignCorpus>(&source_)) {
    return std::make_unique<BatchStream>(foreign_samples(*foreign, data_, options.seed), data_,
                                         options, rank, start);
  }
  return std::make_unique<BatchStream>(std::get<Corpus>(source_), data_, options, rank, start);
}

std::vector<Batch> TrainingData::validation(const BatchOptions& options, const RankInfo& rank,
                                            std::uint64_t max_samples) const {
  if (const auto* foreign = std::get_if<ForeignCorpus>(&source_)) {
    return validation_batches(foreign_samples(*foreign, data_, options.seed), data_, options, rank,
                              max_samples);
  }
  return validation_batches(std::get<Corpus>(source_), data_, options, rank, max_samples);
}

}  // namespace bertha
