// Merges with incremental counts: only words that hold the pair are touched.
#include "data_pipeline/tokenizer/pair_merger.h"

#include <algorithm>
#include <limits>

#include "parallel/base/error.h"

namespace bertha {

void PairMerger::add_word(const std::vector<std::uint32_t>& pieces, std::uint64_t count) {
  if (words_.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::bad_data, "more than 2^32 different words",
                "train the vocabulary on a part of the text");
  }
  const auto word = static_cast<std::uint32_t>(words_.size());
  words_.push_back({pieces_.size(), static_cast<std::uint32_t>(pieces.size()), count});
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  for (std::size_t i = 1; i < pieces.size(); ++i) add(pieces[i - 1], pieces[i], word);
}

void PairMerger::add(std::uint32_t left, std::uint32_t right, std::uint32_t word) {
  Occurrences& found = pairs_[key_of(left, right)];
  found.count += words_[word].count;
  if (found.words.empty() || found.words.back() != word) found.words.push_back(word);
  if (queue_filled_) grown_.push_back(key_of(left, right));
}

void PairMerger::remove(std::uint32_t left, std::uint32_t right, std::uint32_t word) {
  const auto found = pairs_.find(key_of(left, right));
  if (found != pairs_.end()) found->second.count -= words_[word].count;
}

void PairMerger::fill_queue() {
  for (const auto& [key, found] : pairs_) {
    queue_.push(
        {found.count, static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key)});
  }
  queue_filled_ = true;
}

std::optional<PairMerger::Pair> PairMerger::take_most_frequent(std::uint64_t min_count) {
  if (!queue_filled_) fill_queue();
  while (!queue_.empty()) {
    Pair top = queue_.top();
    queue_.pop();
    const auto found = pairs_.find(key_of(top.left, top.right));
    if (found == pairs_.end() || found->second.count < std::max<std::uint64_t>(min_count, 1)) {
      continue;
    }
    if (found->second.count == top.count) return top;
    if (found->second.count < top.count) {  // had shrunk meanwhile
      top.count = found->second.count;
      queue_.push(top);
    }  // had grown: a newer entry is in the queue
  }
  return std::nullopt;
}

void PairMerger::merge(const Pair& pair, std::uint32_t merged) {
  const auto found = pairs_.find(key_of(pair.left, pair.right));
  if (found == pairs_.end()) return;
  const std::vector<std::uint32_t> words = std::move(found->second.words);
  pairs_.erase(found);
  grown_.clear();
  for (const std::uint32_t word : words) merge_in_word(word, pair, merged);
  std::sort(grown_.begin(), grown_.end());
  grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
  for (const std::uint64_t key : grown_) {
    const auto grown = pairs_.find(key);
    if (grown == pairs_.end() || grown->second.count == 0) continue;
    queue_.push({grown->second.count, static_cast<std::uint32_t>(key >> 32),
                 static_cast<std::uint32_t>(key)});
  }
}

void PairMerger::merge_in_word(std::uint32_t word, const Pair& pair, std::uint32_t merged) {
  std::uint32_t* const pieces = pieces_.data() + words_[word].begin;
  const std::uint32_t length = words_[word].length;
  std::uint32_t out = 0;
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i + 1 == length || pieces[i] != pair.left || pieces[i + 1] != pair.right) {
      pieces[out++] = pieces[i];
      continue;
    }
    if (out > 0) {
      remove(pieces[out - 1], pair.left, word);
      add(pieces[out - 1], merged, word);
    }
    if (i + 2 < length) {
      remove(pair.right, pieces[i + 2], word);
      add(merged, pieces[i + 2], word);
    }
    pieces[out++] = merged;
    ++i;
  }
  words_[word].length = out;
}

}  // namespace bertha
