// Corpora, ours and foreign ones: as `verify`, `inspect`, `pretrain` and `prepare` read them.
#include <stdexcept>

#include "data_pipeline/prepare/prepare_foreign.h"
#include "data_pipeline/shards/corpus_verifier.h"
#include "data_pipeline/shards/foreign_verifier.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/training_data.h"
#include "readers.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr int kMostSteps = 64;  // more than an epoch of the samples has

void check_batch(const Batch& batch, std::int32_t vocabulary_size) {
  const auto tokens = batch.token_count();
  const bool same = batch.segments.size() == batch.tokens.size() &&
                    batch.positions.size() == batch.tokens.size() &&
                    batch.sequence_offsets.back() == tokens &&
                    batch.masked_labels.size() == batch.masked_positions.size();
  if (!same) throw std::logic_error("a batch whose parts are of different lengths");
  for (const auto id : batch.tokens) {
    if (id < 0 || id >= vocabulary_size) throw std::logic_error("a batch with a token id beyond");
  }
  for (const auto place : batch.masked_positions) {
    if (place < 0 || place >= tokens) throw std::logic_error("a masked position beyond the batch");
  }
}

// A whole epoch and a bit of the next, then validation.
void train(const DataConfig& data, std::uint64_t number) {
  for (const char* split : {"train", "validation"}) {
    if (!TrainingData::has_split(data, split)) continue;
    const TrainingData source(data, split);
    source.tokenizer_files();
    source.unigram_entropy(1 << 20);
    const BatchOptions options{
        .global_batch = 16, .micro_batch_tokens = 1024, .prefetch = number % 2 == 0 ? 2 : 0};
    const auto size = source.vocabulary().size();
    const auto stream = source.stream(options, {}, {});
    for (int step = 0; step < kMostSteps; ++step) {
      const auto batches = stream->next();
      for (const auto& batch : batches.micro_batches) check_batch(batch, size);
      if (batches.after.epoch > 0) break;
    }
    for (const auto& batch : source.validation(options, {}, 0)) check_batch(batch, size);
  }
}

DataConfig config(const fs::path& folder, std::uint64_t number) {
  DataConfig data;
  data.corpus = folder;
  data.sequence_length = 64;
  data.verify = number % 3 == 0 ? VerifyLevel::full : VerifyLevel::quick;
  data.masking.strategy = static_cast<MaskingStrategy>(number % 4);
  data.next_sentence = number % 5 != 0;
  return data;
}

// As if it had been refused: the fault is named.
void require_no_fault(const VerifyReport& report, const fs::path& folder) {
  if (report.faults.empty()) return;
  throw Error(ErrorKind::bad_data, folder.string() + ": " + report.faults[0]);
}

}  // namespace

void prepare_on_one_rank(const PrepareOptions& options) {
  PrepareHooks hooks;
  hooks.gather = [](std::string_view bytes) { return std::vector{std::string(bytes)}; };
  if (options.input.format == TextFormat::nvidia) {
    prepare_foreign_corpus(options, {}, hooks);
  } else {
    prepare_corpus(options, {}, hooks);
  }
}

void prepare_alone(const InputOptions& input, const fs::path& vocabulary, const fs::path& folder) {
  const auto clean = [&] {
    for (const auto& entry : fs::directory_iterator(folder.parent_path())) {
      if (entry.path().filename().string().starts_with("prepared")) fs::remove_all(entry);
    }
  };
  clean();
  PrepareOptions options;
  options.input = input;
  options.vocabulary = vocabulary;
  options.output = folder.parent_path() / "prepared";
  options.drop_duplicates = input.format != TextFormat::nvidia;
  options.workers = 2;
  prepare_on_one_rank(options);
  clean();
}

Outcome read_corpus(const fs::path& folder, std::uint64_t number) {
  Outcome outcome;
  count_outcome(outcome, folder, [&] { require_no_fault(verify_corpus(folder, {}), folder); });
  count_outcome(outcome, folder, [&] {
    read_tokenizer_options(folder);
    read_vocabulary(folder);
  });
  count_outcome(outcome, folder, [&] { train(config(folder, number), number); });
  return outcome;
}

Outcome read_foreign(const fs::path& folder, std::uint64_t number) {
  Outcome outcome;
  auto data = config(folder, number);
  data.validation_fraction = 0.1;
  count_outcome(outcome, folder, [&] {
    require_no_fault(verify_foreign(folder, folder / "vocab.txt", {}), folder);
  });
  count_outcome(outcome, folder, [&] { train(data, number); });
  if (number % 4 == 0) {
    const InputOptions input{.paths = {folder.string()}, .format = TextFormat::nvidia};
    count_outcome(outcome, folder, [&] { prepare_alone(input, folder / "vocab.txt", folder); });
  }
  return outcome;
}

}  // namespace bertha
