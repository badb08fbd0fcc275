// Reads documents back from the spill files of all units, mostly forward.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/spill_index.h"

namespace bertha {

// A file of numbers seen through a window that moves on as needed.
class FileWindow {
 public:
  explicit FileWindow(const std::filesystem::path& path);
  // `count` numbers from number `first` on, until the next call.
  template <class Number>
  std::span<const Number> view(std::uint64_t first, std::size_t count) {
    const char* bytes = find(first * sizeof(Number), count * sizeof(Number));
    return {reinterpret_cast<const Number*>(bytes), count};
  }

 private:
  const char* find(std::uint64_t offset, std::size_t bytes);

  std::string path_;
  FileDescriptor file_;
  std::uint64_t file_bytes_;
  std::uint64_t begin_ = 0;  // of the window in the file, at a number
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
    tokens = files_->tokens.view<Token>(document_.first_token, count);
    document_.first_token += count;
    return true;
  }

 private:
  std::span<const std::uint32_t> next_sentences();

  struct Files {
    FileWindow tokens, sentences;
  };
  std::filesystem::path folder_;
  std::unique_ptr<Files> files_;  // of the document's unit
  std::size_t unit_ = 0;
  SpilledDocument document_{};  // what is left of it
};

}  // namespace bertha
