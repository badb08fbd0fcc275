// Each thread makes one pass over all documents, with at most one open shard per split.
#include "data_pipeline/prepare/prepare_shards.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/prepare/spill_reader.h"
#include "data_pipeline/samples/word_marker.h"
#include "data_pipeline/samples/worker_threads.h"
#include "data_pipeline/shards/shard_schema.h"
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

constexpr std::size_t kMostThreads = 8;  // each has some buffers, and the disk is one

// Which of all shards, counted through both splits: those with this remainder.
struct Turn {
  std::size_t first, step;
};

class ShareWriter {
 public:
  ShareWriter(const ShardPlan& plan, const ShareOptions& options, const Turn& turn)
      : plan_(plan), options_(options), turn_(turn) {
    if (options.word_boundaries) marker_.emplace(options.vocabulary);
    for (const std::size_t split : {kTrain, kValidation}) {
      for (std::size_t shard = 0; shard < plan.shards[split].size(); ++shard) {
        const ShardWalk::Place place{split, shard};
        if (!is_in_turn(place)) continue;
        auto found = find_written(note_of(place), options.corpus);
        to_do_[split].push_back(!found);
        if (!found) tokens_to_do_ += plan.shards[split][shard].tokens;
        if (found) shards_.push_back(std::move(*found));
      }
    }
  }

  bool is_mine(const ShardWalk::Place& place) const {
    return is_in_turn(place) && to_do_[place.split][place.shard / turn_.step];
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
    if (marker_) {
      marker_->add(tokens, marks_);
      write_marks(open);
    }
    open.statistics.add_sentences(tokens, lengths, options_.vocabulary.unknown());
  }
  void end_document(const SpilledDocument& document, const ShardWalk::Place& place) {
    auto& open = open_shard(place);
    if (marker_) {
      marker_->end_document(marks_);
      write_marks(open);
    }
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

  bool is_in_turn(const ShardWalk::Place& place) const {
    const std::size_t number =
        place.shard + (place.split == kTrain ? 0 : plan_.shards[kTrain].size());
    return number % turn_.step == turn_.first;
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
  void write_marks(OpenShard& open) {
    open.writer.add_word_marks(marks_);
    marks_.clear();
  }
  void start(const ShardWalk::Place& place);
  void finish(std::size_t split);

  const ShardPlan& plan_;
  const ShareOptions& options_;
  Turn turn_;
  std::array<std::vector<bool>, 2> to_do_;  // by split and number of turns before
  std::uint64_t tokens_to_do_ = 0;
  std::array<std::unique_ptr<OpenShard>, 2> open_;
  std::vector<WrittenShard> shards_;
  std::optional<WordMarker> marker_;  // where marks are wanted
  std::vector<std::uint8_t> marks_;
};

void ShareWriter::start(const ShardWalk::Place& place) {
  const PlannedShard& planned = plan_.shards[place.split][place.shard];
  const ShardWriter::Shape shape{.documents = planned.documents,
                                 .sentences = planned.sentences,
                                 .tokens = planned.tokens,
                                 .vocabulary_size = options_.vocabulary.size(),
                                 .vocabulary_sha256 = options_.vocabulary.sha256(),
                                 .has_word_marks = options_.word_boundaries};
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

// `Token` is what the spill and the shards hold. `wrote(tokens)` is told of every document, and
// says whether to go on; if not, what is unfinished is given up.
template <class Token, class Wrote>
std::vector<WrittenShard> write_documents(ShareWriter& share, const BeginWalk& begin_walk,
                                          const ShardPlan& plan, const fs::path& work,
                                          const Wrote& wrote) {
  if (share.is_done()) return share.finish_all();
  SpillReader spill(work);
  ShardWalk shards(plan);
  SpilledDocument document;
  std::span<const Token> tokens;
  std::span<const std::uint32_t> sentences;
  for (DocumentWalk walk = begin_walk(); walk.next(document);) {
    const auto place = shards.place(document);
    if (!share.is_mine(place)) continue;
    spill.begin(document);
    while (spill.next(tokens, sentences)) share.add_sentences(place, tokens, sentences);
    share.end_document(document, place);
    if (!wrote(document.tokens)) return {};
  }
  return share.finish_all();
}

// The turns of a rank's threads: each has every n-th of the rank's shards.
std::vector<Turn> thread_turns(const ShardPlan& plan, const ShareOptions& options) {
  const auto rank = static_cast<std::size_t>(options.rank.rank);
  const auto ranks = static_cast<std::size_t>(options.rank.world_size);
  const std::size_t all = plan.shards[kTrain].size() + plan.shards[kValidation].size();
  const std::size_t own = (all + ranks - 1 - rank) / ranks;
  const auto wanted = static_cast<std::size_t>(std::max(1, options.threads));
  const std::size_t threads = std::clamp(own, std::size_t{1}, std::min(wanted, kMostThreads));
  std::vector<Turn> turns;
  for (std::size_t i = 0; i < threads; ++i) turns.push_back({rank + ranks * i, ranks * threads});
  return turns;
}

template <class Token>
std::vector<WrittenShard> write_share_of(const BeginWalk& begin_walk, const ShardPlan& plan,
                                         const ShareOptions& options) {
  std::deque<ShareWriter> shares;  // by thread
  std::uint64_t to_do = 0;
  for (const Turn& turn : thread_turns(plan, options)) {
    to_do += shares.emplace_back(plan, options, turn).tokens_to_do();
  }
  std::atomic<std::uint64_t> written{0};
  std::atomic<bool> failed{false};
  std::vector<std::vector<WrittenShard>> shards(shares.size());
  for_each_block(shares.size(), 1, static_cast<int>(shares.size()),
                 [&](std::size_t worker, std::size_t begin, std::size_t) {
                   const auto wrote = [&](std::uint64_t tokens) {
                     const std::uint64_t done = written += tokens;
                     if (worker == 0 && options.progress) options.progress(done, to_do);
                     if (options.got_on) options.got_on();
                     return !failed;
                   };
                   try {
                     shards[begin] = write_documents<Token>(shares[begin], begin_walk, plan,
                                                            options.work, wrote);
                   } catch (...) {
                     failed = true;
                     throw;
                   }
                 });
  std::vector<WrittenShard> all;
  for (auto& of_thread : shards) std::ranges::move(of_thread, std::back_inserter(all));
  return all;
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
