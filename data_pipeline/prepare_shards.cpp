// One pass over all documents, with at most one open shard per split.
#include "data_pipeline/prepare_shards.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <system_error>
#include <tuple>
#include <utility>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/spill_reader.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

void pack_shard(const WrittenShard& shard, std::string& bytes) {
  put_number(bytes, shard.split);
  put_text(bytes, shard.summary.file);
  put_text(bytes, shard.summary.checksum);
  for (const auto number : {shard.summary.documents, shard.summary.sentences, shard.summary.tokens,
                            shard.summary.bytes}) {
    put_number(bytes, number);
  }
  shard.statistics.pack(bytes);
}

WrittenShard unpack_shard(MessageReader& message) {
  WrittenShard shard{};
  shard.split = message.number();
  shard.summary.file = message.text();
  shard.summary.checksum = message.text();
  for (auto* number : {&shard.summary.documents, &shard.summary.sentences, &shard.summary.tokens,
                       &shard.summary.bytes}) {
    *number = message.number();
  }
  shard.statistics = CorpusStatistics::unpack(message);
  return shard;
}

// What an earlier run left of a shard, when that is whole: it was on disk before this was noted.
std::optional<WrittenShard> find_written(const fs::path& note, const fs::path& corpus) {
  std::error_code error;
  if (!fs::exists(note, error)) return {};
  const std::string bytes = read_file(note);
  MessageReader message(bytes);
  WrittenShard shard = unpack_shard(message);
  const auto size = fs::file_size(corpus / shard.summary.file, error);
  if (error || size != shard.summary.bytes) return {};
  return shard;
}

class ShareWriter {
 public:
  ShareWriter(const ShardPlan& plan, const ShareOptions& options) : plan_(plan), options_(options) {
    for (const std::size_t split : {kTrain, kValidation}) {
      for (std::size_t shard = 0; shard < plan.shards[split].size(); ++shard) {
        const ShardWalk::Place place{split, shard};
        if (!is_of_rank(place)) continue;
        auto found = find_written(note_of(place), options.corpus);
        to_do_[split].push_back(!found);
        if (!found) tokens_to_do_ += plan.shards[split][shard].tokens;
        if (found) shards_.push_back(std::move(*found));
      }
    }
  }

  bool is_mine(const ShardWalk::Place& place) const {
    return is_of_rank(place) && to_do_[place.split][place.shard / ranks()];
  }
  // Whether nothing is left to do.
  bool is_done() const {
    return std::ranges::none_of(
        to_do_, [](const auto& split) { return std::ranges::find(split, true) != split.end(); });
  }

  std::uint64_t tokens_to_do() const { return tokens_to_do_; }

  template <class Token>
  void add_sentences(const ShardWalk::Place& place, std::span<const Token> tokens,
                     std::span<const std::uint32_t> lengths) {
    auto& open = open_shard(place);
    open.writer.add_sentences(tokens, lengths);
    open.statistics.add_sentences(tokens, lengths, options_.vocabulary.unknown());
  }
  void end_document(const SpilledDocument& document, const ShardWalk::Place& place) {
    auto& open = open_shard(place);
    open.writer.end_document();
    open.statistics.add_document(document.sentences);
  }

  std::vector<WrittenShard> finish_all() {
    for (const std::size_t split : {kTrain, kValidation}) finish(split);
    return std::move(shards_);
  }

 private:
  struct OpenShard {
    ShardWalk::Place place;
    ShardWriter writer;
    CorpusStatistics statistics;
  };

  std::size_t ranks() const { return static_cast<std::size_t>(options_.rank.world_size); }
  bool is_of_rank(const ShardWalk::Place& place) const {
    const std::size_t number =
        place.shard + (place.split == kTrain ? 0 : plan_.shards[kTrain].size());
    return number % ranks() == static_cast<std::size_t>(options_.rank.rank);
  }
  std::string name_of(const ShardWalk::Place& place) const {
    return shard_file_name(kSplitNames[place.split], static_cast<int>(place.shard),
                           static_cast<int>(plan_.shards[place.split].size()));
  }
  fs::path note_of(const ShardWalk::Place& place) const {
    return options_.work / (name_of(place) + ".done");
  }
  OpenShard& open_shard(const ShardWalk::Place& place) {
    auto& open = open_[place.split];
    if (!open || open->place != place) {
      finish(place.split);
      start(place);
    }
    return *open;
  }
  void start(const ShardWalk::Place& place);
  void finish(std::size_t split);

  const ShardPlan& plan_;
  const ShareOptions& options_;
  std::array<std::vector<bool>, 2> to_do_;  // by split and turn of this rank
  std::uint64_t tokens_to_do_ = 0;
  std::array<std::unique_ptr<OpenShard>, 2> open_;
  std::vector<WrittenShard> shards_;
};

void ShareWriter::start(const ShardWalk::Place& place) {
  const PlannedShard& planned = plan_.shards[place.split][place.shard];
  const ShardWriter::Shape shape{.documents = planned.documents,
                                 .sentences = planned.sentences,
                                 .tokens = planned.tokens,
                                 .vocabulary_size = options_.vocabulary.size(),
                                 .vocabulary_sha256 = options_.vocabulary.sha256()};
  open_[place.split].reset(
      new OpenShard{place, ShardWriter(options_.work / name_of(place), shape), {}});
}

void ShareWriter::finish(std::size_t split) {
  if (!open_[split]) return;
  OpenShard& open = *open_[split];
  shards_.push_back({split, open.writer.finish(), open.statistics});
  const fs::path path = options_.work / name_of(open.place);
  fs::rename(path, options_.corpus / path.filename());
  std::string note;
  pack_shard(shards_.back(), note);
  write_file_atomically(note_of(open.place), note);
  open_[split].reset();
}

// `Token` is what the spill and the shards hold.
template <class Token>
std::vector<WrittenShard> write_share_of(const BeginWalk& begin_walk, const ShardPlan& plan,
                                         const ShareOptions& options) {
  ShareWriter share(plan, options);
  if (share.is_done()) return share.finish_all();
  SpillReader spill(options.work);
  ShardWalk shards(plan);
  SpilledDocument document;
  std::span<const Token> tokens;
  std::span<const std::uint32_t> sentences;
  std::uint64_t written = 0;
  for (DocumentWalk walk = begin_walk(); walk.next(document);) {
    const auto place = shards.place(document);
    if (!share.is_mine(place)) continue;
    spill.begin(document);
    while (spill.next(tokens, sentences)) share.add_sentences(place, tokens, sentences);
    share.end_document(document, place);
    written += document.tokens;
    if (options.progress) options.progress(written, share.tokens_to_do());
  }
  return share.finish_all();
}

}  // namespace

std::string pack_shards(const std::vector<WrittenShard>& shards) {
  std::string bytes;
  for (const WrittenShard& shard : shards) pack_shard(shard, bytes);
  return bytes;
}

std::vector<WrittenShard> merge_shards(const std::vector<std::string>& packed) {
  std::vector<WrittenShard> all;
  for (const std::string& bytes : packed) {
    for (MessageReader message(bytes); !message.at_end();) all.push_back(unpack_shard(message));
  }
  std::ranges::sort(all, {}, [](const WrittenShard& shard) {
    return std::pair(shard.split, shard.summary.file);
  });
  return all;
}

std::map<std::string, SplitCounts> split_counts(const std::vector<WrittenShard>& shards) {
  std::map<std::string, SplitCounts> splits;
  for (const char* name : kSplitNames) splits[name] = {};
  for (const WrittenShard& shard : shards) {
    SplitCounts& split = splits[kSplitNames.at(shard.split)];
    split.documents += shard.summary.documents;
    split.sentences += shard.summary.sentences;
    split.tokens += shard.summary.tokens;
    split.shards.push_back(shard.summary);
  }
  return splits;
}

std::vector<WrittenShard> write_share(const BeginWalk& begin_walk, const ShardPlan& plan,
                                      const ShareOptions& options) {
  return token_bytes(options.vocabulary.size()) == 2
             ? write_share_of<std::uint16_t>(begin_walk, plan, options)
             : write_share_of<std::int32_t>(begin_walk, plan, options);
}

}  // namespace bertha
