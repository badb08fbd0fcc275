// One pass over all documents, with at most one open shard per split.
#include "data_pipeline/prepare_shards.h"

#include <algorithm>
#include <optional>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/spill_reader.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

class ShareWriter {
 public:
  ShareWriter(const std::filesystem::path& folder, const ShardPlan& plan,
              const Vocabulary& vocabulary, const RankInfo& rank)
      : folder_(folder), plan_(plan), vocabulary_(vocabulary), rank_(rank) {}

  bool is_mine(const ShardWalk::Place& place) const {
    const std::size_t number =
        place.shard + (place.split == kTrain ? 0 : plan_.shards[kTrain].size());
    return number % static_cast<std::size_t>(rank_.world_size) ==
           static_cast<std::size_t>(rank_.rank);
  }

  // The shard that the next document goes to.
  ShardWriter& writer_of(const ShardWalk::Place& place) {
    auto& open = open_[place.split];
    if (!open || open->shard != place.shard) {
      finish(place.split);
      start(place);
    }
    return open->writer;
  }

  ShardSummaries finish_all() {
    for (const std::size_t split : {kTrain, kValidation}) finish(split);
    return std::move(summaries_);
  }

 private:
  struct OpenShard {
    std::size_t shard;
    ShardWriter writer;
  };

  void start(const ShardWalk::Place& place) {
    const auto& shards = plan_.shards[place.split];
    const PlannedShard& planned = shards[place.shard];
    const std::string name = shard_file_name(
        kSplitNames[place.split], static_cast<int>(place.shard), static_cast<int>(shards.size()));
    const ShardWriter::Shape shape{.documents = planned.documents,
                                   .sentences = planned.sentences,
                                   .tokens = planned.tokens,
                                   .vocabulary_size = vocabulary_.size(),
                                   .vocabulary_sha256 = vocabulary_.sha256()};
    open_[place.split].reset(new OpenShard{place.shard, ShardWriter(folder_ / name, shape)});
  }

  void finish(std::size_t split) {
    if (!open_[split]) return;
    summaries_[split].push_back(open_[split]->writer.finish());
    open_[split].reset();
  }

  const std::filesystem::path& folder_;
  const ShardPlan& plan_;
  const Vocabulary& vocabulary_;
  const RankInfo& rank_;
  std::array<std::unique_ptr<OpenShard>, 2> open_;
  ShardSummaries summaries_;
};

}  // namespace

std::string pack_summaries(const ShardSummaries& summaries) {
  std::string bytes;
  for (const auto& split : summaries) {
    put_number(bytes, split.size());
    for (const ShardSummary& shard : split) {
      put_text(bytes, shard.file);
      put_text(bytes, shard.checksum);
      for (const auto number : {shard.documents, shard.sentences, shard.tokens, shard.bytes}) {
        put_number(bytes, number);
      }
    }
  }
  return bytes;
}

ShardSummaries merge_summaries(const std::vector<std::string>& packed) {
  ShardSummaries all;
  for (const std::string& bytes : packed) {
    MessageReader message(bytes);
    for (auto& split : all) {
      for (std::uint64_t left = message.number(); left > 0; --left) {
        ShardSummary& shard = split.emplace_back();
        shard.file = message.text();
        shard.checksum = message.text();
        for (auto* number : {&shard.documents, &shard.sentences, &shard.tokens, &shard.bytes}) {
          *number = message.number();
        }
      }
    }
  }
  for (auto& split : all) std::ranges::sort(split, {}, &ShardSummary::file);
  return all;
}

std::map<std::string, SplitCounts> split_counts(ShardSummaries summaries) {
  std::map<std::string, SplitCounts> splits;
  for (const std::size_t name : {kTrain, kValidation}) {
    auto& split = splits[kSplitNames[name]];
    for (const auto& shard : summaries[name]) {
      split.documents += shard.documents;
      split.sentences += shard.sentences;
      split.tokens += shard.tokens;
    }
    split.shards = std::move(summaries[name]);
  }
  return splits;
}

ShardSummaries write_share(const std::filesystem::path& folder,
                           const std::vector<SpillReport>& reports, const ShardPlan& plan,
                           const Vocabulary& vocabulary, const RankInfo& rank) {
  ShareWriter share(folder, plan, vocabulary, rank);
  SpillReader spill(folder, reports.size(), token_bytes(vocabulary.size()));
  ShardWalk shards(plan);
  SpilledDocument document;
  std::vector<std::int32_t> tokens;
  std::vector<std::uint32_t> sentences;
  for (DocumentWalk walk(reports); walk.next(document);) {
    const auto place = shards.place(document);
    if (!share.is_mine(place)) continue;
    ShardWriter& writer = share.writer_of(place);
    spill.begin(document);
    while (spill.next(tokens, sentences)) writer.add_sentences(tokens, sentences);
    writer.end_document();
  }
  return share.finish_all();
}

}  // namespace bertha
