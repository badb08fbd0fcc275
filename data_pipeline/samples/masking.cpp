// The strategies, and what becomes of a chosen token.
#include "data_pipeline/samples/masking.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_pipeline/samples/span_masking.h"

namespace bertha {
namespace {

// The first `count` elements become a random choice of all, in random order.
template <class Value>
void shuffle_front(std::vector<Value>& values, std::size_t count, Philox& random) {
  for (std::size_t i = 0; i < std::min(count, values.size()); ++i) {
    const auto other = i + static_cast<std::size_t>(random.next_below(values.size() - i));
    std::swap(values[i], values[other]);
  }
}

}  // namespace

Masker::Masker(const Vocabulary& vocabulary, const MaskingOptions& options, int sequence_length)
    : vocabulary_(vocabulary), options_(options), sequence_length_(sequence_length) {
  if (options.strategy == MaskingStrategy::character) spelling_ = CharacterSpelling(vocabulary);
  if (options.strategy == MaskingStrategy::word || options.strategy == MaskingStrategy::span) {
    chinese_ = ChineseWords(vocabulary);
  }
}

std::vector<WordGroup> Masker::words_of(const Sequence& sequence) const {
  return chinese_.join(sequence.tokens, group_words(sequence.tokens, vocabulary_));
}

std::size_t Masker::predictions_in(const Sequence& sequence) const {
  const auto share = options_.probability * static_cast<double>(sequence.tokens.size());
  const auto count = std::max<std::int64_t>(1, std::lrint(share));
  const auto most = static_cast<std::int64_t>(options_.max_predictions);
  return static_cast<std::size_t>(most > 0 ? std::min(count, most) : count);
}

std::vector<std::size_t> Masker::choose_tokens(const Sequence& sequence, std::size_t count,
                                               Philox& random) const {
  std::vector<std::size_t> candidates;
  candidates.reserve(sequence.tokens.size());
  for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
    if (!vocabulary_.is_special(sequence.tokens[i])) candidates.push_back(i);
  }
  shuffle_front(candidates, count, random);
  candidates.resize(std::min(count, candidates.size()));
  return candidates;
}

std::vector<std::size_t> Masker::choose_words(const Sequence& sequence, std::size_t count,
                                              Philox& random) const {
  auto words = words_of(sequence);
  std::vector<std::size_t> chosen;
  const auto take = [&chosen](const WordGroup& word) {
    for (auto i = word.begin; i < word.end; ++i) chosen.push_back(i);
  };
  shuffle_front(words, words.size(), random);
  for (const auto& word : words) {
    if (chosen.size() + word.size() <= count) take(word);
    if (chosen.size() == count) break;
  }
  if (chosen.empty()) {
    if (const auto word = shortest_word(words)) take(*word);
  }
  return chosen;
}

// Where no word is as short as the count: the first of the shortest ones, if it is not over the
// cap.
std::optional<WordGroup> Masker::shortest_word(std::span<const WordGroup> words) const {
  const auto shortest = std::ranges::min_element(words, {}, &WordGroup::size);
  const auto most = static_cast<std::size_t>(std::max(0, options_.max_predictions));
  if (shortest == words.end() || (most > 0 && shortest->size() > most)) return std::nullopt;
  return *shortest;
}

void Masker::predict(Sequence& sequence, std::size_t position, double fate, Philox& random) const {
  sequence.masked_positions.push_back(static_cast<std::int32_t>(position));
  sequence.masked_labels.push_back(sequence.tokens[position]);
  const auto& drawable = vocabulary_.replacement_ids();
  if (fate < options_.mask_fraction) {
    sequence.tokens[position] = vocabulary_.mask();
  } else if (fate < options_.mask_fraction + options_.random_fraction && !drawable.empty()) {
    sequence.tokens[position] =
        drawable[static_cast<std::size_t>(random.next_below(drawable.size()))];
  }
}

void Masker::predict_spans(Sequence& sequence, std::size_t count, Philox& random) const {
  const auto words = words_of(sequence);
  auto spans = choose_spans(words, count, random);
  if (spans.empty()) {
    if (const auto word = shortest_word(words)) spans.push_back(*word);
  }
  for (const auto& span : spans) {
    const double fate = random.next_double();
    for (auto p = span.begin; p < span.end; ++p) predict(sequence, p, fate, random);
  }
}

void Masker::apply(Sequence& sequence, Philox& random) const {
  const auto count = predictions_in(sequence);
  sequence.masked_positions.clear();
  sequence.masked_labels.clear();
  const auto most = std::min(count, sequence.tokens.size());
  sequence.masked_positions.reserve(most);
  sequence.masked_labels.reserve(most);
  if (options_.strategy == MaskingStrategy::span) return predict_spans(sequence, count, random);
  std::vector<std::size_t> chosen;
  if (options_.strategy == MaskingStrategy::character) {
    CharacterMasking masking{vocabulary_, spelling_, static_cast<std::size_t>(sequence_length_)};
    chosen = masking.choose(sequence.tokens, sequence.segments, count, random);
    if (chosen.empty()) chosen = choose_tokens(sequence, 1, random);  // nothing could be respelled
  } else if (options_.strategy == MaskingStrategy::word) {
    chosen = choose_words(sequence, count, random);
  } else {
    chosen = choose_tokens(sequence, count, random);
  }
  std::sort(chosen.begin(), chosen.end());
  for (const auto position : chosen) predict(sequence, position, random.next_double(), random);
}

}  // namespace bertha
