// Options, output folder, vocabulary, number of threads.
#include "data_pipeline/prepare/prepare_checks.h"

#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/samples/worker_threads.h"
#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"

namespace bertha {
namespace fs = std::filesystem;

namespace {

constexpr int kMostWorkers = 1024;  // threads of a rank

}  // namespace

void check_prepare_options(const PrepareOptions& options) {
  if (options.output.empty()) {
    throw Error(ErrorKind::usage, "prepare.output is missing", "name the folder of the new corpus");
  }
  if (options.shard_tokens == 0) {
    throw Error(ErrorKind::usage, "prepare.shard_tokens = 0: a shard must hold something");
  }
  const double fraction = options.validation_fraction;
  if (!(fraction >= 0 && fraction < 1)) {  // also NaN
    throw Error(ErrorKind::usage,
                fmt::format("prepare.validation_fraction = {}: not in [0, 1)", fraction));
  }
  if (options.workers < 0) {
    throw Error(ErrorKind::usage, fmt::format("prepare.workers = {}: below 0", options.workers));
  }
  if (options.workers > kMostWorkers) {
    throw Error(ErrorKind::usage,
                fmt::format("prepare.workers = {}: over {}", options.workers, kMostWorkers),
                "more threads than cores gain nothing; 0 takes the cores there are");
  }
}

void check_output_folder(const fs::path& output) {
  std::error_code error;
  const fs::file_status status = fs::status(output, error);
  if (status.type() == fs::file_type::not_found) return;
  if (error) throw_io_error("read", output.string(), error.value());
  const char* remedy = "name a new folder with prepare.output, or remove this one";
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::usage, output.string() + " exists and is no folder", remedy);
  }
  const fs::directory_iterator entries(output, error);
  if (error) throw_io_error("read", output.string(), error.value());
  if (entries != fs::directory_iterator() && !is_corpus_folder(output)) {
    throw Error(ErrorKind::usage, output.string() + " holds something else than a corpus", remedy);
  }
}

Vocabulary load_vocabulary(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? read_vocabulary(path) : Vocabulary::from_file(path);
}

int worker_count(int wanted, const RankInfo& rank) {
  return wanted > 0 ? wanted : cores_of(rank);
}

}  // namespace bertha
