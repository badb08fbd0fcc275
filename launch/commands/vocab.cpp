// `bertha vocab`: text to a WordPiece vocabulary.

#include <fmt/format.h>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"
#include "launch/commands/commands.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_output.h"
#include "parallel/mpi_communicator.h"

namespace bertha {
namespace {

WordCounts count_words(const RunConfig& config, ProgressBar& bar) {
  const auto files = find_input_files(config.input);
  WordCounts counts(config.tokenizer);
  std::uint64_t total = 0, before = 0;
  for (const auto& file : files) total += file.bytes;
  bar.set_total(total);
  Document document;
  ReadStatistics statistics;
  for (const auto& file : files) {
    const auto reader = open_documents(file, config.input.text_field);
    while (reader->next(document)) {
      for (const auto& paragraph : document.paragraphs) counts.add_text(paragraph);
      bar.update(before + reader->compressed_bytes_read());
    }
    statistics.add(reader->statistics());
    before += file.bytes;
  }
  log_info(fmt::format("{} files, {} documents, {} words, {} different", files.size(),
                       statistics.documents, counts.total_words(), counts.counts().size()));
  return counts;
}

void train_and_write(const RunConfig& config) {
  const bool progress = config.trainer.metrics.progress;
  ProgressBar reading("count words", 0, "B", progress);
  const auto counts = count_words(config, reading);
  VocabularyTrainerOptions options;
  options.size = config.vocab.size;
  options.min_frequency = config.vocab.min_frequency;
  const auto vocabulary = [&] {
    ProgressBar merging("merge", 0, "tokens", progress);
    return train_vocabulary(counts, options, [&](std::uint64_t done, std::uint64_t total) {
      merging.set_total(total);
      merging.update(done);
    });
  }();
  write_file_atomically(config.vocab.output, vocabulary.text());
  log_info(fmt::format("{} tokens in {}", vocabulary.size(), config.vocab.output.string()));
  if (vocabulary.size() < config.vocab.size) {
    log_warning(fmt::format("the text gave {} tokens, {} were asked for", vocabulary.size(),
                            config.vocab.size));
  }
}

}  // namespace

int run_vocab(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.input.paths.empty() || config.vocab.output.empty()) {
    throw Error(ErrorKind::usage, "input.paths and vocab.output are both needed",
                "bertha vocab --input.paths text/ --vocab.size 30522 --vocab.output vocab.txt");
  }
  const auto communicator = make_mpi_communicator(mpi.rank_info());
  agree_or_throw(*communicator, [&] {
    if (mpi.rank_info().is_root()) train_and_write(config);
  });
  return 0;
}

}  // namespace bertha
