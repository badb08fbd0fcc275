// Reads documents back from the spill of all units, mostly forward.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "data_pipeline/prepare/spill_file.h"
#include "data_pipeline/prepare/spill_index.h"

namespace bertha {

// A stream of numbers seen through a window that moves on as needed.
class SpillWindow {
 public:
  explicit SpillWindow(SpillStream stream) : stream_(stream) {}
  // `count` numbers from number `first` on, until the next call.
  template <class Number>
  std::span<const Number> view(const SpillFile& file, std::uint64_t first, std::size_t count) {
    const char* bytes = find(file, first * sizeof(Number), count * sizeof(Number));
    return {reinterpret_cast<const Number*>(bytes), count};
  }

 private:
  const char* find(const SpillFile& file, std::uint64_t offset, std::size_t bytes);

  SpillStream stream_;
  std::uint64_t begin_ = 0;  // of the window in the stream, at a number
  std::vector<char> window_;
};

class SpillReader {
 public:
  explicit SpillReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // The document that next() gives in pieces.
  void begin(const SpilledDocument& document);
  // Token ids, as wide as they are stored, and lengths of some sentences, until the next call.
  // False at the document's end.
  template <class Token>
  bool next(std::span<const Token>& tokens, std::span<const std::uint32_t>& sentences) {
    if (document_.sentences == 0) return false;
    sentences = next_sentences();
    std::uint64_t count = 0;
    for (const std::uint32_t length : sentences) count += length;
    tokens = unit_->tokens.view<Token>(unit_->file, document_.first_token, count);
    document_.first_token += count;
    return true;
  }

 private:
  std::span<const std::uint32_t> next_sentences();

  struct Unit {
    std::size_t number;
    SpillFile file;
    SpillWindow tokens{SpillStream::tokens}, sentences{SpillStream::sentences};
  };
  std::filesystem::path folder_;
  std::unique_ptr<Unit> unit_;  // the document's
  SpilledDocument document_{};  // what is left of it
};

}  // namespace bertha
