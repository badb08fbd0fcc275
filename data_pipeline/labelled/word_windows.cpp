// Words to pieces, pieces to windows.
#include "data_pipeline/labelled/word_windows.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

struct WordPieces {
  std::size_t word;  // its number in the sentence
  std::vector<std::int32_t> ids;
};

// Places [begin, end) in the list of words, of which the window answers for [first, last).
struct Window {
  std::size_t begin, end, first, last;
};

std::size_t pieces_in(const std::vector<WordPieces>& words, std::size_t begin, std::size_t end) {
  std::size_t pieces = 0;
  for (auto i = begin; i < end; ++i) pieces += words[i].ids.size();
  return pieces;
}

std::size_t window_end(const std::vector<WordPieces>& words, std::size_t begin, std::size_t most) {
  std::size_t pieces = 0;
  auto end = begin;
  while (end < words.size() && pieces + words[end].ids.size() <= most) {
    pieces += words[end++].ids.size();
  }
  return end;
}

std::vector<Window> plan_windows(const std::vector<WordPieces>& words, std::size_t most) {
  std::vector<Window> windows;
  for (std::size_t begin = 0, first = 0; first < words.size();) {
    Window window{begin, window_end(words, begin, most), first, words.size()};
    if (window.end < words.size()) {
      auto next = window.end;  // go back by a quarter, but never to where this one began
      while (next > window.begin + 1 && pieces_in(words, next - 1, window.end) <= most / 4) --next;
      // The next window must get beyond this one.
      while (next < window.end && window_end(words, next, most) <= window.end) ++next;
      window.last = std::max(first, next + (window.end - next + 1) / 2);
      begin = next;
    }
    first = window.last;
    windows.push_back(window);
  }
  return windows;
}

EncodedExample encode_window(const std::vector<WordPieces>& words, const Window& window,
                             const Vocabulary& vocabulary) {
  EncodedExample encoded;
  encoded.tokens.push_back(vocabulary.cls());
  encoded.origins.emplace_back();
  for (auto i = window.begin; i < window.end; ++i) {
    const auto first = encoded.origins.size();
    const auto& ids = words[i].ids;
    encoded.tokens.insert(encoded.tokens.end(), ids.begin(), ids.end());
    encoded.origins.resize(encoded.tokens.size());
    if (i >= window.first && i < window.last) {
      encoded.origins[first].word = static_cast<std::int32_t>(words[i].word);
    }
  }
  encoded.tokens.push_back(vocabulary.sep());
  encoded.origins.emplace_back();
  encoded.segments.assign(encoded.tokens.size(), 0);
  return encoded;
}

}  // namespace

WordWindows encode_words(const std::vector<std::string>& words, const WordPiece& tokenizer,
                         int max_length, WordPiece::Scratch& scratch) {
  if (max_length < 3) {
    throw Error(ErrorKind::usage,
                fmt::format("task.max_length is {}; at least 3 tokens are needed", max_length));
  }
  const auto most = static_cast<std::size_t>(max_length) - 2;
  WordWindows result;
  std::vector<WordPieces> pieces;
  for (std::size_t word = 0; word < words.size(); ++word) {
    WordPieces split{word, {}};
    tokenizer.encode(words[word], split.ids, scratch);
    if (split.ids.size() > most) {
      result.lost_tokens += split.ids.size() - most;
      split.ids.resize(most);
    }
    if (!split.ids.empty()) pieces.push_back(std::move(split));
  }
  for (const auto& window : plan_windows(pieces, most)) {
    result.windows.push_back(encode_window(pieces, window, tokenizer.vocabulary()));
  }
  return result;
}

}  // namespace bertha
