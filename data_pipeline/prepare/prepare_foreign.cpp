// Counts every file's texts, agrees on the shards, writes them.
#include "data_pipeline/prepare/prepare_foreign.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/prepare/foreign_texts.h"
#include "data_pipeline/prepare/prepare_checks.h"
#include "data_pipeline/prepare/prepare_exchange.h"
#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/prepare/prepare_plan.h"
#include "data_pipeline/prepare/prepare_shards.h"
#include "data_pipeline/samples/word_marker.h"
#include "data_pipeline/shards/foreign_corpus.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr int kTokenizerMaxLength = 512;  // as BERT's own; only Transformers looks at it

// Rows [begin, end) of a file: what becomes one shard, if there is any text in them.
struct Part {
  std::size_t file;
  std::size_t split;
  std::uint64_t begin, end;
  ShardWriter::Shape shape{};
  ForeignTextCounts counts{};
};

std::vector<fs::path> input_shards(const InputOptions& input) {
  std::vector<fs::path> files;
  for (const auto& path : input.paths) {
    std::error_code error;
    const auto within =
        fs::is_directory(path, error) ? foreign_files(path) : std::vector<fs::path>();
    if (within.empty() && fs::is_directory(path, error)) {
      throw Error(ErrorKind::bad_data,
                  path + " has no HDF5 files (*.hdf5, *.h5, or without an extension)");
    }
    if (within.empty()) files.emplace_back(path);
    files.insert(files.end(), within.begin(), within.end());
  }
  return files;
}

class ForeignPreparation {
 public:
  ForeignPreparation(const PrepareOptions& options, const RankInfo& rank, const PrepareHooks& hooks)
      : options_(options), rank_(rank), hooks_(hooks), exchange_(rank, hooks.gather) {}

  PrepareReport run() {
    const auto began = std::chrono::steady_clock::now();
    together([this] { return set_up(); });
    count();
    write();
    PrepareReport report{
        .manifest = describe(), .read = {}, .statistics = statistics_, .seconds = 0};
    publish(report.manifest);
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return report;
  }

 private:
  std::string set_up();
  void plan_parts(const std::vector<fs::path>& files);
  void count();
  void take_counts(const std::string& message);
  void write();
  WrittenShard write_part(const Part& part, const std::string& name);
  CorpusManifest describe();
  void publish(const CorpusManifest& manifest);
  void for_each_document(const Part& part, ForeignTextCounts& counts,
                         const ForeignDocument& document);

  bool is_mine(std::size_t part) const {
    return part % static_cast<std::size_t>(rank_.world_size) ==
           static_cast<std::size_t>(rank_.rank);
  }
  std::vector<std::string> together(const std::function<std::string()>& step) {
    return exchange_.run(step, [this](const Error&) { staged_.reset(); });
  }

  const PrepareOptions& options_;
  const RankInfo& rank_;
  const PrepareHooks& hooks_;
  RankExchange exchange_;

  std::optional<Vocabulary> vocabulary_;
  std::optional<StagedFolder> staged_;
  std::vector<ForeignShard> shards_;  // of the input
  std::vector<Part> parts_;
  std::vector<WrittenShard> written_;
  CorpusStatistics statistics_;
  std::uint64_t rows_done_ = 0, rows_total_ = 0;
};

std::string ForeignPreparation::set_up() {
  check_prepare_options(options_);
  vocabulary_.emplace(load_vocabulary(options_.vocabulary));
  plan_parts(input_shards(options_.input));
  if (rank_.is_root()) {
    check_output_folder(options_.output);
    staged_.emplace(options_.output, true);
  }
  return {};
}

void ForeignPreparation::plan_parts(const std::vector<fs::path>& files) {
  const bool has_validation = std::ranges::any_of(
      files, [](const fs::path& file) { return foreign_split_of(file) == "validation"; });
  for (const auto& file : files) {
    const auto& shard = shards_.emplace_back(file);
    if (hooks_.got_on) hooks_.got_on();
    const auto number = shards_.size() - 1;
    const auto rows = shard.rows();
    const auto held_out =
        has_validation
            ? (foreign_split_of(file) == "validation" ? rows : 0)
            : std::min(rows, static_cast<std::uint64_t>(std::ceil(static_cast<double>(rows) *
                                                                  options_.validation_fraction)));
    if (held_out < rows) parts_.push_back({number, kTrain, 0, rows - held_out});
    if (held_out > 0) parts_.push_back({number, kValidation, rows - held_out, rows});
  }
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (is_mine(p)) rows_total_ += 2 * (parts_[p].end - parts_[p].begin);
  }
}

void ForeignPreparation::for_each_document(const Part& part, ForeignTextCounts& counts,
                                           const ForeignDocument& document) {
  const auto& shard = shards_[part.file];
  const auto step = shard.rows_at_once();
  for (auto row = part.begin; row < part.end;) {
    const auto end = std::min(part.end, row / step * step + step);
    for_each_text(shard.read(row, end, &*vocabulary_), *vocabulary_, document, counts);
    rows_done_ += end - row;
    if (hooks_.progress) hooks_.progress(PrepareStage::convert, rows_done_, rows_total_);
    if (hooks_.got_on) hooks_.got_on();
    if (hooks_.stop_requested && hooks_.stop_requested()) {
      throw Error(ErrorKind::stopped, "prepare was asked to stop", "the same command starts anew");
    }
    row = end;
  }
}

void ForeignPreparation::count() {
  const auto messages = together([this] {
    if (!rank_.is_root()) staged_.emplace(options_.output, false);
    std::string message;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (!is_mine(p)) continue;
      auto& shape = parts_[p].shape;
      auto& counts = parts_[p].counts;
      for_each_document(parts_[p], counts, [&shape](auto tokens, auto sentences) {
        ++shape.documents;
        shape.sentences += sentences.size();
        shape.tokens += tokens.size();
      });
      for (const auto number : {std::uint64_t{p}, shape.documents, shape.sentences, shape.tokens,
                                counts.samples, counts.random_pairs, counts.special_dropped}) {
        put_number(message, number);
      }
    }
    return message;
  });
  for (const auto& message : messages) take_counts(message);
  std::erase_if(parts_, [](const Part& part) { return part.shape.documents == 0; });
}

void ForeignPreparation::take_counts(const std::string& message) {
  for (MessageReader reader(message); !reader.at_end();) {
    auto& part = parts_.at(static_cast<std::size_t>(reader.number()));
    part.shape.documents = reader.number();
    part.shape.sentences = reader.number();
    part.shape.tokens = reader.number();
    part.counts.samples = reader.number();
    part.counts.random_pairs = reader.number();
    part.counts.special_dropped = reader.number();
    part.shape.vocabulary_size = vocabulary_->size();
    part.shape.vocabulary_sha256 = vocabulary_->sha256();
    part.shape.has_word_marks = options_.word_boundaries;
  }
}

WrittenShard ForeignPreparation::write_part(const Part& part, const std::string& name) {
  ShardWriter writer(staged_->path() / name, part.shape);
  CorpusStatistics statistics;
  ForeignTextCounts ignored;
  std::optional<WordMarker> marker;
  if (options_.word_boundaries) marker.emplace(*vocabulary_);
  std::vector<std::uint8_t> marks;
  for_each_document(part, ignored, [&](auto tokens, auto sentences) {
    writer.add_document(tokens, sentences);
    if (marker) {
      marks.clear();
      marker->add(tokens, marks);
      marker->end_document(marks);
      writer.add_word_marks(marks);
    }
    statistics.add_sentences(tokens, sentences, vocabulary_->unknown());
    statistics.add_document(sentences.size());
  });
  return {part.split, writer.finish(), statistics};
}

void ForeignPreparation::write() {
  const auto messages = together([this] {
    std::array<int, 2> shards{}, number{};
    for (const auto& part : parts_) ++shards[part.split];
    if (shards[kTrain] == 0) {
      throw Error(ErrorKind::bad_data, "no text to train on in " + options_.input.paths.front(),
                  "check prepare.validation_fraction, and the names of the files");
    }
    std::vector<WrittenShard> own;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const auto split = parts_[p].split;
      const auto name = shard_file_name(kSplitNames[split], number[split]++, shards[split]);
      if (is_mine(p)) own.push_back(write_part(parts_[p], name));
    }
    return pack_shards(own);
  });
  written_ = merge_shards(messages);
  for (const WrittenShard& shard : written_) statistics_.add(shard.statistics);
}

CorpusManifest ForeignPreparation::describe() {
  CorpusManifest manifest{.vocabulary_sha256 = vocabulary_->sha256(),
                          .vocabulary_size = vocabulary_->size(),
                          .tokenizer = options_.tokenizer,
                          .word_boundaries = options_.word_boundaries,
                          .splits = split_counts(written_),
                          .statistics = {}};
  auto& statistics = manifest.statistics;
  statistics_.add_to(statistics);
  for (const auto& part : parts_) {
    statistics["converted_samples"] += part.counts.samples;
    statistics["random_pairs_parted"] += part.counts.random_pairs;
    statistics["special_tokens_dropped"] += part.counts.special_dropped;
  }
  return manifest;
}

void ForeignPreparation::publish(const CorpusManifest& manifest) {
  together([&] {
    if (!rank_.is_root()) return std::string();
    write_tokenizer_files(staged_->path(), *vocabulary_, options_.tokenizer, kTokenizerMaxLength);
    write_file(staged_->path() / "manifest.json", manifest.to_json());
    log_warning(
        "these shards do not say which documents their texts came from: documents of the new "
        "corpus have one or two sentences, and texts stand as often as they were duplicated");
    staged_->publish();
    return std::string();
  });
}

}  // namespace

PrepareReport prepare_foreign_corpus(const PrepareOptions& options, const RankInfo& rank,
                                     const PrepareHooks& hooks) {
  return ForeignPreparation(options, rank, hooks).run();
}

}  // namespace bertha
