// `bertha vocab`: text to a WordPiece vocabulary.

#include <filesystem>
#include <functional>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/prepare/word_counting.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"
#include "launch/commands/commands.h"
#include "launch/long_work.h"
#include "launch/rank_places.h"
#include "launch/stop_signal.h"
#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_output.h"
#include "parallel/watched_ranks.h"

namespace bertha {
namespace {

// That of a file to be; made when it is not there.
std::filesystem::path folder_of(const std::filesystem::path& file) {
  const auto folder = file.parent_path().empty() ? "." : file.parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_io_error("create folder", folder.string(), error.value());
  return folder;
}

struct Means {
  int threads;
  std::function<void()> got_on;  // to be called by any thread, at every piece of work
};

CountedInput count_input(const RunConfig& config, const Means& means) {
  ProgressBar bar("count words", 0, "B", config.trainer.metrics.progress);
  auto counted = count_words({.input = config.input,
                              .tokenizer = config.tokenizer,
                              .scratch = folder_of(config.vocab.output),
                              .workers = means.threads,
                              .progress =
                                  [&](std::uint64_t done, std::uint64_t total) {
                                    inject_fault("count");
                                    bar.set_total(total);
                                    bar.update(done);
                                  },
                              .got_on = means.got_on});
  log_info(fmt::format("{} {}, {} documents, {} words, {} different", counted.files,
                       counted.files == 1 ? "file" : "files", counted.read.documents,
                       counted.total_words, counted.different_words));
  const auto& read = counted.read;
  if (read.replaced_bytes > 0) log_info(fmt::format("replaced bytes: {}", read.replaced_bytes));
  if (read.skipped_malformed > 0) {
    log_info(fmt::format("skipped malformed: {}", read.skipped_malformed));
    log_warning("first malformed record: " + read.first_malformed);
  }
  if (counted.words.size() < counted.different_words) {
    log_info(fmt::format("the {} most frequent words are learnt from", counted.words.size()));
  }
  return counted;
}

void train_and_write(const RunConfig& config, const Means& means) {
  const bool progress = config.trainer.metrics.progress;
  const auto counted = count_input(config, means);
  VocabularyTrainerOptions options;
  options.size = config.vocab.size;
  options.min_frequency = config.vocab.min_frequency;
  const auto vocabulary = [&] {
    ProgressBar merging("merge", 0, "tokens", progress);
    return train_vocabulary(counted.words, options, [&](std::uint64_t done, std::uint64_t total) {
      means.got_on();
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
  const RankInfo& rank = mpi.rank_info();
  WatchedRanks ranks(rank, timeout_of(config), termination_requested);
  const int threads = agree_on_place(ranks.communicator(), find_place(0, false)).threads;
  LongWork work(ranks.communicator(), ranks.watchdog(), "making the vocabulary");
  work.run([&](const std::stop_token& stop) {
    if (!rank.is_root()) return;
    train_and_write(config, {threads, [&] {
                               if (stop.stop_requested()) {
                                 throw Error(ErrorKind::internal, "the vocabulary was given up");
                               }
                               work.got_on();
                             }});
  });
  return 0;
}

}  // namespace bertha
