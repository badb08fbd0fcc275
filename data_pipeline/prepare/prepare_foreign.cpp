// Counts every file's texts, agrees on the shards, writes them.
#include "data_pipeline/prepare/prepare_foreign.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "data_pipeline/prepare/foreign_inputs.h"
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

constexpr std::uint64_t kUsualRow = 512;  // tokens of a row whose length is not known

// Rows [begin, end) of a file; once they are counted, what becomes one shard.
struct Part {
  std::size_t file;
  std::size_t split;
  std::uint64_t begin, end;
  ShardWriter::Shape shape{};
  ForeignTextCounts counts{};
};

void check_shard_numbers(const std::array<std::uint64_t, 2>& shards, std::uint64_t shard_tokens) {
  const auto most = std::max(shards[kTrain], shards[kValidation]);
  if (most <= kMostShards) return;
  throw Error(ErrorKind::usage,
              fmt::format("prepare.shard_tokens = {} makes {} shards; at most {} are possible",
                          shard_tokens, most, kMostShards),
              "raise prepare.shard_tokens");
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
  std::vector<Part> count_part(const Part& part);
  void take_counts(const std::string& message, std::vector<std::vector<Part>>& pieces) const;
  void write();
  WrittenShard write_part(const Part& part, const std::string& name);
  CorpusManifest describe();
  void publish(const CorpusManifest& manifest);
  // Reads the rows, at most `step` at a time.
  void for_each_rows(const Part& part, std::uint64_t step,
                     const std::function<void(const ForeignRows&, std::uint64_t end)>& use);

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
  plan_parts(foreign_input_files(options_.input));
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

void ForeignPreparation::for_each_rows(
    const Part& part, std::uint64_t step,
    const std::function<void(const ForeignRows&, std::uint64_t end)>& use) {
  const auto& shard = shards_[part.file];
  for (auto row = part.begin; row < part.end;) {
    const auto end = std::min(part.end, row / step * step + step);
    use(shard.read(row, end, &*vocabulary_), end);
    rows_done_ += end - row;
    if (hooks_.progress) hooks_.progress(PrepareStage::convert, rows_done_, rows_total_);
    if (hooks_.got_on) hooks_.got_on();
    if (hooks_.stop_requested && hooks_.stop_requested()) {
      throw Error(ErrorKind::stopped, "prepare was asked to stop", "the same command starts anew");
    }
    row = end;
  }
}

// Cut where a shard is full, between rows; a remainder of less than half a shard goes with the one
// before.
std::vector<Part> ForeignPreparation::count_part(const Part& part) {
  const auto& shard = shards_[part.file];
  const auto row_tokens = shard.width() > 0 ? shard.width() : kUsualRow;
  const auto quarter = std::max<std::uint64_t>(1, options_.shard_tokens / 4 / row_tokens);
  std::vector<Part> pieces;
  for_each_rows(part, std::min(quarter, shard.rows_at_once()), [&](const auto& rows, auto end) {
    if (pieces.empty() || pieces.back().shape.tokens >= options_.shard_tokens) {
      const auto begin = pieces.empty() ? part.begin : pieces.back().end;
      pieces.push_back({part.file, part.split, begin, begin});
    }
    auto& piece = pieces.back();
    for_each_text(
        rows, *vocabulary_,
        [&piece](auto tokens, auto sentences) {
          ++piece.shape.documents;
          piece.shape.sentences += sentences.size();
          piece.shape.tokens += tokens.size();
        },
        piece.counts);
    piece.end = end;
  });
  if (pieces.size() > 1 && pieces.back().shape.tokens < options_.shard_tokens / 2) {
    const auto last = pieces.back();
    pieces.pop_back();
    auto& before = pieces.back();
    before.end = last.end;
    before.shape.documents += last.shape.documents;
    before.shape.sentences += last.shape.sentences;
    before.shape.tokens += last.shape.tokens;
    before.counts.samples += last.counts.samples;
    before.counts.random_pairs += last.counts.random_pairs;
    before.counts.special_dropped += last.counts.special_dropped;
  }
  return pieces;
}

void ForeignPreparation::count() {
  const auto messages = together([this] {
    if (!rank_.is_root()) staged_.emplace(options_.output, false);
    std::string message;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (!is_mine(p)) continue;
      for (const Part& piece : count_part(parts_[p])) {
        const auto& shape = piece.shape;
        const auto& counts = piece.counts;
        for (const auto number :
             {std::uint64_t{p}, piece.begin, piece.end, shape.documents, shape.sentences,
              shape.tokens, counts.samples, counts.random_pairs, counts.special_dropped}) {
          put_number(message, number);
        }
      }
    }
    return message;
  });
  std::vector<std::vector<Part>> pieces(parts_.size());
  for (const auto& message : messages) take_counts(message, pieces);
  parts_.clear();
  for (auto& of_part : pieces) {
    std::erase_if(of_part, [](const Part& piece) { return piece.shape.documents == 0; });
    parts_.insert(parts_.end(), of_part.begin(), of_part.end());
  }
}

void ForeignPreparation::take_counts(const std::string& message,
                                     std::vector<std::vector<Part>>& pieces) const {
  for (MessageReader reader(message); !reader.at_end();) {
    const auto part = static_cast<std::size_t>(reader.number());
    auto& piece = pieces.at(part).emplace_back(parts_.at(part));
    piece.begin = reader.number();
    piece.end = reader.number();
    piece.shape.documents = reader.number();
    piece.shape.sentences = reader.number();
    piece.shape.tokens = reader.number();
    piece.counts.samples = reader.number();
    piece.counts.random_pairs = reader.number();
    piece.counts.special_dropped = reader.number();
    piece.shape.vocabulary_size = vocabulary_->size();
    piece.shape.vocabulary_sha256 = vocabulary_->sha256();
    piece.shape.has_word_marks = options_.word_boundaries;
  }
}

WrittenShard ForeignPreparation::write_part(const Part& part, const std::string& name) {
  ShardWriter writer(staged_->path() / name, part.shape);
  CorpusStatistics statistics;
  ForeignTextCounts ignored;
  std::optional<WordMarker> marker;
  if (options_.word_boundaries) marker.emplace(*vocabulary_);
  std::vector<std::uint8_t> marks;
  const auto add = [&](auto tokens, auto sentences) {
    writer.add_document(tokens, sentences);
    if (marker) {
      marks.clear();
      marker->add(tokens, marks);
      marker->end_document(marks);
      writer.add_word_marks(marks);
    }
    statistics.add_sentences(tokens, sentences, vocabulary_->unknown());
    statistics.add_document(sentences.size());
  };
  for_each_rows(part, shards_[part.file].rows_at_once(), [&](const auto& rows, std::uint64_t) {
    for_each_text(rows, *vocabulary_, add, ignored);
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
    check_shard_numbers({static_cast<std::uint64_t>(shards[kTrain]),
                         static_cast<std::uint64_t>(shards[kValidation])},
                        options_.shard_tokens);
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
        "corpus have one or two sentences, texts stand as often as they were duplicated, and may "
        "do so on both sides of a split by rows");
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
