// Words as sequences of piece numbers, and the counts of neighbouring pairs, kept up to date while
// pairs are merged: the inner loop of byte-pair encoding.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

namespace bertha {

class PairMerger {
 public:
  // Appends a word; all words come before the first merge.
  void add_word(const std::vector<std::uint32_t>& pieces, std::uint64_t count);

  struct Pair {
    std::uint64_t count;
    std::uint32_t left, right;
  };
  // The most frequent pair; equal counts: the smaller numbers. Nothing below `min_count` (or 1).
  std::optional<Pair> take_most_frequent(std::uint64_t min_count);

  // Replaces the pair by `merged` in every word.
  void merge(const Pair& pair, std::uint32_t merged);

 private:
  struct Word {
    std::size_t begin;     // in pieces_
    std::uint32_t length;  // shrinks
    std::uint64_t count;
  };
  struct Occurrences {
    std::uint64_t count = 0;
    std::vector<std::uint32_t> words;  // where it is or was
  };
  struct LessUrgent {
    bool operator()(const Pair& left, const Pair& right) const {
      if (left.count != right.count) return left.count < right.count;
      return left.left != right.left ? left.left > right.left : left.right > right.right;
    }
  };
  struct KeyHash {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9E3779B97F4A7C15ULL;
      return key ^ (key >> 32);
    }
  };
  static std::uint64_t key_of(std::uint32_t left, std::uint32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | right;
  }

  void fill_queue();
  void merge_in_word(std::uint32_t word, const Pair& pair, std::uint32_t merged);
  void add(std::uint32_t left, std::uint32_t right, std::uint32_t word);
  void remove(std::uint32_t left, std::uint32_t right, std::uint32_t word);

  std::vector<std::uint32_t> pieces_;
  std::vector<Word> words_;
  std::unordered_map<std::uint64_t, Occurrences, KeyHash> pairs_;
  std::priority_queue<Pair, std::vector<Pair>, LessUrgent> queue_;  // counts may be outdated
  std::vector<std::uint64_t> grown_;                                // keys, during one merge
  bool queue_filled_ = false;
};

}  // namespace bertha
