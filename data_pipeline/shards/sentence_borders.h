// Where the sentences of a document begin, read in place from a mapped shard or from memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace bertha {

class ShardReader;

inline constexpr char kCorpusRemedy[] =
    "`bertha verify` names all faults; restore the corpus or make it anew";

class SentenceBorders {
 public:
  // The first token of each of `sentences` sentences and the end of the last one: uint64, at any
  // alignment, `first` being the number of the first sentence in `shard`. All must outlive this.
  SentenceBorders(const ShardReader& shard, const char* borders, std::uint64_t first,
                  std::uint64_t sentences)
      : borders_(borders), sentences_(sentences), first_(first), shard_(&shard) {}
  SentenceBorders() = default;
  // Of no shard.
  explicit SentenceBorders(std::span<const std::uint64_t> borders)
      : borders_(reinterpret_cast<const char*>(borders.data())), sentences_(borders.size() - 1) {}

  std::uint64_t sentences() const { return sentences_; }
  // The token that a sentence begins with; of sentences(): the end. Not checked: see length().
  std::uint64_t begin(std::uint64_t sentence) const {
    std::uint64_t token = 0;
    std::memcpy(&token, borders_ + sentence * sizeof token, sizeof token);
    return token;
  }
  std::uint64_t tokens(std::uint64_t from, std::uint64_t to) const {
    return begin(to) - begin(from);
  }
  // These and, where `next` are those of the document right behind this one, those too: else false.
  bool join(const SentenceBorders& next) {
    if (next.borders_ != borders_ + sentences_ * sizeof(std::uint64_t)) return false;
    sentences_ += next.sentences_;
    return true;
  }
  // False where each sentence has a length that length() would give. May be true where it has.
  bool may_have_fault() const {
    constexpr int kSafeBits = 31;
    std::uint64_t lengths = 0;
    for (std::uint64_t s = 0, count = sentences_; s < count; ++s) lengths |= tokens(s, s + 1) - 1;
    return lengths >> kSafeBits != 0;
  }
  // Tokens of one sentence. Error{bad_data} where it is empty, ends before it begins, or does not
  // fit 32 bits.
  std::uint32_t length(std::uint64_t sentence) const {
    const auto from = begin(sentence), to = begin(sentence + 1);
    if (to - from - 1 >= UINT32_MAX) fail(from, to, sentence);
    return static_cast<std::uint32_t>(to - from);
  }

 private:
  [[noreturn]] void fail(std::uint64_t from, std::uint64_t to, std::uint64_t sentence) const;

  const char* borders_ = nullptr;
  std::uint64_t sentences_ = 0, first_ = 0;
  const ShardReader* shard_ = nullptr;
};

}  // namespace bertha
