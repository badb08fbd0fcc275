// Our tokenizer for test_tokens.py and test_vocabulary.py. Texts come on standard input, each as a
// little-endian uint32 of its bytes, then the bytes.
//   tokens_probe ids VOCAB OPTIONS         for each text: uint32 count, int32 ids
//   tokens_probe words VOCAB OPTIONS       for each text: uint32 count, (id, word, begin, end)
//   tokens_probe offsets VOCAB OPTIONS     the same with the places of the pieces themselves
//   tokens_probe time VOCAB OPTIONS TIMES  "<CPU seconds of the best pass> <tokens of a pass>"
//   tokens_probe threads VOCAB OPTIONS TIMES THREADS  "<seconds on the wall of the best pass>
//   <tokens>" tokens_probe train SIZE OPTIONS        the vocabulary learnt, as vocab.txt
//   tokens_probe write VOCAB OPTIONS DIR   writes the tokenizer files into DIR
//   tokens_probe read DIR                  "<options>", then the vocabulary read back
// VOCAB is a vocab.txt; OPTIONS three digits: lower_case, strip_accents, chinese_characters.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "data_pipeline/tokenizer/wordpiece.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"
#include "parallel/base/error.h"

namespace {

using namespace bertha;

constexpr int kMaxLength = 512;

std::vector<std::string> read_texts() {
  std::vector<std::string> texts;
  std::uint32_t bytes = 0;
  while (std::cin.read(reinterpret_cast<char*>(&bytes), sizeof(bytes))) {
    texts.emplace_back(bytes, '\0');
    if (!std::cin.read(texts.back().data(), bytes)) {
      throw Error(ErrorKind::bad_data, "standard input ends within a text");
    }
  }
  return texts;
}

TokenizerOptions options_of(const std::string& digits) {
  if (digits.size() != 3) throw Error(ErrorKind::usage, "OPTIONS are three digits");
  return {.lower_case = digits[0] == '1',
          .strip_accents = digits[1] == '1',
          .chinese_characters = digits[2] == '1'};
}

std::string digits_of(const TokenizerOptions& options) {
  const auto digit = [](bool value) { return value ? '1' : '0'; };
  return {digit(options.lower_case), digit(options.strip_accents),
          digit(options.chinese_characters)};
}

template <class Item>
void print_binary(const std::vector<Item>& items) {
  const auto count = static_cast<std::uint32_t>(items.size());
  std::fwrite(&count, sizeof(count), 1, stdout);
  std::fwrite(items.data(), sizeof(Item), items.size(), stdout);
}

void print_ids(const WordPiece& tokenizer) {
  WordPiece::Scratch scratch;
  std::vector<std::int32_t> ids;
  for (const std::string& text : read_texts()) {
    ids.clear();
    tokenizer.encode(text, ids, scratch);
    print_binary(ids);
  }
}

using PlacedEncoding = void (WordPiece::*)(std::string_view, std::vector<WordPiece::Piece>&,
                                           WordPiece::Scratch&) const;

void print_pieces(const WordPiece& tokenizer, PlacedEncoding encode) {
  WordPiece::Scratch scratch;
  std::vector<WordPiece::Piece> pieces;
  for (const std::string& text : read_texts()) {
    pieces.clear();
    (tokenizer.*encode)(text, pieces, scratch);
    print_binary(pieces);
  }
}

// Processor time, which other programs on the machine disturb less than the clock on the wall.
void time_encoding(const WordPiece& tokenizer, int times) {
  const std::vector<std::string> texts = read_texts();
  WordPiece::Scratch scratch;
  std::vector<std::int32_t> ids;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < times; ++i) {
    const std::clock_t began = std::clock();
    ids.clear();
    for (const std::string& text : texts) tokenizer.encode(text, ids, scratch);
    best = std::min(best, static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
  }
  std::cout << best << " " << ids.size() << "\n";
}

// As `prepare` does: one tokenizer, and a scratch for each thread.
void time_threads(const WordPiece& tokenizer, int times, std::size_t threads) {
  constexpr std::size_t kTextsAtOnce = 64;
  const std::vector<std::string> texts = read_texts();
  double best = std::numeric_limits<double>::infinity();
  std::atomic<std::size_t> next = 0, tokens = 0;
  const auto encode_share = [&] {
    WordPiece::Scratch scratch;
    std::vector<std::int32_t> ids;
    for (std::size_t begin; (begin = next.fetch_add(kTextsAtOnce)) < texts.size();) {
      const std::size_t end = std::min(texts.size(), begin + kTextsAtOnce);
      for (std::size_t i = begin; i < end; ++i) tokenizer.encode(texts[i], ids, scratch);
    }
    tokens += ids.size();
  };
  for (int i = 0; i < times; ++i) {
    next = tokens = 0;
    const auto began = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> others;
      for (std::size_t t = 1; t < threads; ++t) others.emplace_back(encode_share);
      encode_share();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    best = std::min(best, took.count());
  }
  std::cout << best << " " << tokens << "\n";
}

void train(const std::string& size, const TokenizerOptions& options) {
  WordCounts counts(options);
  for (const std::string& text : read_texts()) counts.add_text(text);
  VocabularyTrainerOptions trainer;
  trainer.size = std::stoi(size);
  std::cout << train_vocabulary(counts.sorted(), trainer, {}).text();
}

void run(const std::vector<std::string>& arguments) {
  const std::string& mode = arguments.at(0);
  if (mode == "read") {
    const std::filesystem::path folder = arguments.at(1);
    std::cout << digits_of(read_tokenizer_options(folder)) << "\n"
              << read_vocabulary(folder).text();
    return;
  }
  const TokenizerOptions options = options_of(arguments.at(2));
  if (mode == "train") return train(arguments.at(1), options);
  const auto vocabulary = Vocabulary::from_file(arguments.at(1));
  if (mode == "write") {
    return write_tokenizer_files(arguments.at(3), vocabulary, options, kMaxLength);
  }
  const WordPiece tokenizer(vocabulary, options);
  if (mode == "ids") return print_ids(tokenizer);
  if (mode == "words") return print_pieces(tokenizer, &WordPiece::encode_with_words);
  if (mode == "offsets") return print_pieces(tokenizer, &WordPiece::encode_with_offsets);
  if (mode == "time") return time_encoding(tokenizer, std::stoi(arguments.at(3)));
  if (mode == "threads") {
    return time_threads(tokenizer, std::stoi(arguments.at(3)), std::stoul(arguments.at(4)));
  }
  throw Error(ErrorKind::usage, "no mode " + mode);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::ios::sync_with_stdio(false);
    run({argv + 1, argv + argc});
  } catch (const Error& error) {
    std::cerr << error.message() << "\n";
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
