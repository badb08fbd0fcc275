// The words of an input with their counts: what a vocabulary is learnt from. Several threads,
// bounded memory, and the same result whatever their number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"
#include "data_pipeline/tokenizer/piece_alphabet.h"
#include "data_pipeline/tokenizer/tokenizer_options.h"

namespace bertha {

struct WordCountingOptions {
  InputOptions input;
  TokenizerOptions tokenizer;
  std::filesystem::path scratch;  // a folder, for what does not fit into memory
  int workers = 1;                // at most 8 are of use
  // Different words in memory, of all threads: beyond, they go to the scratch folder.
  std::size_t most_memory_bytes = 320'000'000;
  // Of words that are kept in the end, the most frequent ones; and of their characters in all.
  std::size_t most_kept = 4'000'000;
  std::size_t most_kept_characters = 48'000'000;
  std::function<void(std::uint64_t, std::uint64_t)> progress;  // bytes of the input; may be empty
  std::function<void()> got_on{};  // any thread: a piece of the input is done; may be empty
};

struct CountedInput {
  std::size_t files = 0;
  ReadStatistics read;
  std::uint64_t total_words = 0;
  std::uint64_t different_words = 0;  // kept or not
  // Those kept, in byte order. When there are more than the options say, words as rare as the
  // rarest that would not fit any more are left out, all of them: no order decides which.
  std::vector<CountedWord> words;
  std::vector<char> texts;  // of the words
};

CountedInput count_words(const WordCountingOptions& options);

}  // namespace bertha
