// Texts to token ids.
#include "data_pipeline/labelled/labelled_encoding.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

// "longest_first" of Hugging Face tokenizers: only the longer text is cut as long as it stays the
// longer one; else both to half, the longer one (the second, when equal) taking the odd token.
std::pair<std::size_t, std::size_t> kept_lengths(std::size_t first, std::size_t second,
                                                 std::size_t most) {
  const auto shorter = std::min(first, second);
  if (first + second <= most) return {first, second};
  auto kept_shorter = shorter, kept_longer = most - std::min(most, shorter);
  if (kept_longer < shorter) {
    kept_shorter = most / 2;
    kept_longer = most - kept_shorter;
  }
  return first > second ? std::pair(kept_longer, kept_shorter)
                        : std::pair(kept_shorter, kept_longer);
}

}  // namespace

EncodedText encode_text(const Example& example, const WordPiece& tokenizer, int max_length,
                        WordPiece::Scratch& scratch) {
  const int shortest = example.has_pair ? 5 : 3;
  if (max_length < shortest) {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.max_length is {}; at least {} tokens are needed", max_length, shortest));
  }
  const auto most = static_cast<std::size_t>(max_length) - (example.has_pair ? 3 : 2);
  const auto& vocabulary = tokenizer.vocabulary();
  std::vector<std::int32_t> text, pair;
  tokenizer.encode(example.text, text, scratch);
  if (example.has_pair) tokenizer.encode(example.pair, pair, scratch);
  const auto [text_tokens, pair_tokens] =
      example.has_pair ? kept_lengths(text.size(), pair.size(), most)
                       : std::pair(std::min(text.size(), most), std::size_t{0});
  EncodedText encoded;
  encoded.lost_tokens = text.size() + pair.size() - text_tokens - pair_tokens;
  auto& tokens = encoded.sequence.tokens;
  auto& segments = encoded.sequence.segments;
  tokens.push_back(vocabulary.cls());
  const auto append = [&](const std::vector<std::int32_t>& ids, std::size_t count,
                          std::int32_t segment) {
    tokens.insert(tokens.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
    tokens.push_back(vocabulary.sep());
    segments.resize(tokens.size(), segment);
  };
  append(text, text_tokens, 0);
  if (example.has_pair) append(pair, pair_tokens, 1);
  return encoded;
}

}  // namespace bertha
