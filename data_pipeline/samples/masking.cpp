// The strategies, and what becomes of a chosen token.
#include "data_pipeline/samples/masking.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "data_pipeline/samples/span_masking.h"

namespace bertha {
namespace {

// Element i becomes a random one of those from i on; done for all i in turn, this is a shuffle.
template <class Value>
Value& draw_next(std::vector<Value>& values, std::size_t i, Philox& random) {
  const auto other = i + static_cast<std::size_t>(random.next_below(values.size() - i));
  std::swap(values[i], values[other]);
  return values[i];
}

// Different positions, all below `length`: a set of bits sorts faster than comparing does.
void sort_positions(Positions& positions, std::size_t length) {
  constexpr std::size_t kBits = 64;
  std::vector<std::uint64_t> set(length / kBits + 1);
  for (const auto position : positions) set[position / kBits] |= 1ULL << position % kBits;
  positions.clear();
  for (std::size_t i = 0; i < set.size(); ++i) {
    for (auto bits = set[i]; bits != 0; bits &= bits - 1) {
      positions.push_back(static_cast<std::uint32_t>(i * kBits) +
                          static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
  }
}

}  // namespace

Masker::Masker(const Vocabulary& vocabulary, const MaskingOptions& options, int sequence_length)
    : vocabulary_(vocabulary), options_(options), sequence_length_(sequence_length) {
  if (options.strategy == MaskingStrategy::character) spelling_ = CharacterSpelling(vocabulary);
  if (wants_words()) chinese_ = ChineseWords(vocabulary);
}

std::vector<WordGroup> Masker::words_of(const Sequence& sequence, WordMarks marks) const {
  return chinese_.join(sequence.tokens, group_words(sequence.tokens, vocabulary_), marks);
}

bool Masker::may_cut_run(std::int32_t before, std::int32_t behind) const {
  const auto known = static_cast<std::uint32_t>(vocabulary_.size());
  if (static_cast<std::uint32_t>(before) >= known || static_cast<std::uint32_t>(behind) >= known) {
    return true;  // damaged: whoever reads it will say so
  }
  return vocabulary_.is_continuation(behind) ||
         (chinese_.character(before) != 0 && chinese_.character(behind) != 0);
}

std::size_t Masker::predictions_in(const Sequence& sequence) const {
  const auto share = options_.probability * static_cast<double>(sequence.tokens.size());
  const auto count = std::max<std::int64_t>(1, std::lrint(share));
  const auto most = static_cast<std::int64_t>(options_.max_predictions);
  return static_cast<std::size_t>(most > 0 ? std::min(count, most) : count);
}

Positions Masker::choose_tokens(const Sequence& sequence, std::size_t count, Philox& random) const {
  Positions candidates(sequence.tokens.size());
  std::size_t found = 0;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    candidates[found] = i;
    found += vocabulary_.is_special(sequence.tokens[i]) ? 0 : 1;  // without a branch
  }
  candidates.resize(found);
  const auto most = std::min(count, found);
  for (std::size_t i = 0; i < most; ++i) draw_next(candidates, i, random);
  candidates.resize(most);
  return candidates;
}

Positions Masker::choose_words(const Sequence& sequence, std::size_t count, Philox& random,
                               WordMarks marks) const {
  auto words = words_of(sequence, marks);
  Positions chosen;
  const auto take = [&chosen](const WordGroup& word) {
    for (auto i = word.begin; i < word.end; ++i) chosen.push_back(static_cast<std::uint32_t>(i));
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (chosen.size() == count) {
      random.skip(2 * (words.size() - i));  // what drawing the rest would use up
      break;
    }
    const auto& word = draw_next(words, i, random);
    if (chosen.size() + word.size() <= count) take(word);
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

void Masker::predict_spans(Sequence& sequence, std::size_t count, Philox& random,
                           WordMarks marks) const {
  const auto words = words_of(sequence, marks);
  auto spans = choose_spans(words, count, random);
  if (spans.empty()) {
    if (const auto word = shortest_word(words)) spans.push_back(*word);
  }
  for (const auto& span : spans) {
    const double fate = random.next_double();
    for (auto p = span.begin; p < span.end; ++p) predict(sequence, p, fate, random);
  }
}

void Masker::apply(Sequence& sequence, Philox& random, WordMarks marks) const {
  const auto count = predictions_in(sequence);
  sequence.masked_positions.clear();
  sequence.masked_labels.clear();
  const auto most = std::min(count, sequence.tokens.size());
  sequence.masked_positions.reserve(most);
  sequence.masked_labels.reserve(most);
  if (options_.strategy == MaskingStrategy::span) {
    return predict_spans(sequence, count, random, marks);
  }
  Positions chosen;
  if (options_.strategy == MaskingStrategy::character) {
    CharacterMasking masking{vocabulary_, spelling_, static_cast<std::size_t>(sequence_length_)};
    chosen = masking.choose(sequence.tokens, sequence.segments, count, random);
    if (chosen.empty()) chosen = choose_tokens(sequence, 1, random);  // nothing could be respelled
  } else if (options_.strategy == MaskingStrategy::word) {
    chosen = choose_words(sequence, count, random, marks);
  } else {
    chosen = choose_tokens(sequence, count, random);
  }
  sort_positions(chosen, sequence.tokens.size());
  for (const auto position : chosen) predict(sequence, position, random.next_double(), random);
}

}  // namespace bertha
