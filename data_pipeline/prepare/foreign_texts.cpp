// Unmasks, and parts A from B.
#include "data_pipeline/prepare/foreign_texts.h"

#include <algorithm>

namespace bertha {
namespace {

// The sequence's text of one segment, unmasked, without special tokens.
std::vector<std::int32_t> text_of(std::span<const std::int32_t> tokens,
                                  std::span<const std::int32_t> segments, std::int32_t segment,
                                  const Vocabulary& vocabulary, ForeignTextCounts& counts) {
  std::vector<std::int32_t> text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (segments[i] != segment) continue;
    const auto id = tokens[i];
    if (vocabulary.is_special(id) && id != vocabulary.unknown()) {
      counts.special_dropped += id != vocabulary.cls() && id != vocabulary.sep();
      continue;
    }
    text.push_back(id);
  }
  return text;
}

}  // namespace

void for_each_text(const ForeignRows& rows, const Vocabulary& vocabulary,
                   const ForeignDocument& document, ForeignTextCounts& counts) {
  for (std::size_t s = 0; s < rows.sequences(); ++s) {
    const auto begin = rows.token_offsets[s], length = rows.token_offsets[s + 1] - begin;
    std::vector<std::int32_t> tokens(
        rows.tokens.begin() + static_cast<std::ptrdiff_t>(begin),
        rows.tokens.begin() + static_cast<std::ptrdiff_t>(begin + length));
    for (auto i = rows.prediction_offsets[s]; i < rows.prediction_offsets[s + 1]; ++i) {
      tokens[static_cast<std::size_t>(rows.masked_positions[i])] = rows.masked_labels[i];
    }
    const auto segments = std::span(rows.segments).subspan(begin, length);
    auto a = text_of(tokens, segments, 0, vocabulary, counts);
    const auto b = text_of(tokens, segments, 1, vocabulary, counts);
    const auto one_sentence = [&](const std::vector<std::int32_t>& text) {
      const std::uint32_t only[] = {static_cast<std::uint32_t>(text.size())};
      if (!text.empty()) document(text, only);
    };
    ++counts.samples;
    if (rows.next_sentence[s] == 0 && !a.empty() && !b.empty()) {
      const std::uint32_t both[] = {static_cast<std::uint32_t>(a.size()),
                                    static_cast<std::uint32_t>(b.size())};
      a.insert(a.end(), b.begin(), b.end());
      document(a, both);
      continue;
    }
    counts.random_pairs += rows.next_sentence[s] == 1;
    one_sentence(a);
    one_sentence(b);
  }
}

}  // namespace bertha
