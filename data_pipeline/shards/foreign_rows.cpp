// Cuts free room away and packs apart. Every number is checked before anything relies on it.
#include "data_pipeline/shards/foreign_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "data_pipeline/shards/foreign_schema.h"
#include "parallel/base/error.h"

namespace bertha {

void ForeignRows::clear() {
  for (auto* offsets : {&row_offsets, &token_offsets, &prediction_offsets}) offsets->resize(1);
  for (auto* values : {&next_sentence, &tokens, &segments, &masked_positions, &masked_labels}) {
    values->clear();
  }
}

// One sequence of a row. Positions count from the row's beginning, where `begin` tokens of the row
// come before this sequence.
struct ForeignRowDecoder::Sequence {
  std::uint64_t row;
  std::int32_t begin;
  std::span<const std::int32_t> tokens, segments, positions, labels;
  std::int32_t next_sentence;
};

void ForeignRowDecoder::fail(const char* dataset, std::uint64_t row,
                             const std::string& what) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: dataset {} row {}: {}", path_, dataset, row, what),
              "`bertha verify` with --tokenizer.vocab looks at every row");
}

// The loop has no way out, so that it becomes vector instructions.
std::uint32_t ForeignRowDecoder::length_of(std::span<const std::int32_t> mask,
                                           std::uint64_t row) const {
  std::size_t length = 0, other = 0, rises = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    length += mask[i] == 1;
    other += (mask[i] & ~1) != 0;
    rises += i > 0 && mask[i] > mask[i - 1];
  }
  if (other == 0 && rises == 0) return static_cast<std::uint32_t>(length);
  const auto one = std::ranges::find_if(mask, [](auto value) { return value != 1; });
  const auto wrong = std::find_if(one, mask.end(), [](auto value) { return value != 0; });
  fail(kForeignMask, row,
       fmt::format("value {} at {}; ones and then zeros are expected", *wrong,
                   wrong - mask.begin()));
}

// The lists of predictions up to the zero that ends them.
ForeignRow ForeignRowDecoder::without_free_room(const ForeignRow& row) const {
  ForeignRow cut = row;
  const auto zero = std::ranges::find(row.positions, 0);
  const auto count = static_cast<std::size_t>(zero - row.positions.begin());
  for (auto i = count; i < row.positions.size(); ++i) {
    if (row.positions[i] == 0) continue;
    fail(kForeignPositions, row.number,
         fmt::format("value {} at {}, behind the zero that ends the list", row.positions[i], i));
  }
  cut.positions = row.positions.first(count);
  cut.labels = row.labels.first(count);
  return cut;
}

void ForeignRowDecoder::check_tokens(const Sequence& sequence) const {
  const auto row = sequence.row;
  const auto& tokens = sequence.tokens;
  if (tokens.size() < 3) {
    fail(kForeignTokens, row, fmt::format("a sequence of {} tokens", tokens.size()));
  }
  // First whether anything is wrong, without a way out of the loops; then what.
  const auto size = static_cast<std::uint32_t>(vocabulary_size());
  std::uint32_t signs = 0;  // negative: the id, or what is left of the vocabulary above it
  for (const auto id : tokens) {
    signs |= static_cast<std::uint32_t>(id) | (size - 1 - static_cast<std::uint32_t>(id));
  }
  for (std::size_t i = 0; signs >> 31 != 0 && i < tokens.size(); ++i) {
    if (static_cast<std::uint32_t>(tokens[i]) < size) continue;
    fail(kForeignTokens, row,
         fmt::format("id {} at {}, but the vocabulary has {} tokens", tokens[i], i, size));
  }
  if (vocabulary_) check_ends(sequence);
  std::int32_t bits = 0;
  for (const auto segment : sequence.segments) bits |= segment;
  for (std::size_t i = 0; (bits & ~1) != 0 && i < sequence.segments.size(); ++i) {
    if ((sequence.segments[i] & ~1) == 0) continue;
    fail(kForeignSegments, row,
         fmt::format("value {} at {} is not 0 or 1", sequence.segments[i], i));
  }
}

void ForeignRowDecoder::check_ends(const Sequence& sequence) const {
  const auto first = sequence.tokens.front(), last = sequence.tokens.back();
  const bool begins = first == vocabulary_->cls();
  if (begins && last == vocabulary_->sep()) return;
  fail(kForeignTokens, sequence.row,
       fmt::format("id {} {} a sequence instead of {} = {}; is it the vocabulary of this data?",
                   begins ? last : first, begins ? "ends" : "begins", begins ? "[SEP]" : "[CLS]",
                   begins ? vocabulary_->sep() : vocabulary_->cls()));
}

void ForeignRowDecoder::check_predictions(const Sequence& sequence) const {
  const auto last = sequence.begin + static_cast<std::int32_t>(sequence.tokens.size()) - 1;
  std::int32_t before = sequence.begin;  // [CLS] is not masked
  for (const auto position : sequence.positions) {
    if (position <= before || position > last) {
      fail(kForeignPositions, sequence.row,
           fmt::format("value {} is not within {} to {}, where it must lie", position, before + 1,
                       last));
    }
    before = position;
  }
  for (const auto label : sequence.labels) {
    if (label >= 0 && label < vocabulary_size()) continue;
    fail(kForeignLabels, sequence.row,
         fmt::format("id {}, but the vocabulary has {} tokens", label, vocabulary_size()));
  }
  if ((sequence.next_sentence & ~1) != 0) {
    fail(kForeignNextSentence, sequence.row,
         fmt::format("value {} is not 0 or 1", sequence.next_sentence));
  }
}

void ForeignRowDecoder::append_sequence(const Sequence& sequence, ForeignRows& rows) const {
  check_tokens(sequence);
  check_predictions(sequence);
  const auto append = [](std::vector<std::int32_t>& to, std::span<const std::int32_t> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(rows.tokens, sequence.tokens);
  append(rows.segments, sequence.segments);
  append(rows.masked_labels, sequence.labels);
  for (const auto position : sequence.positions) {
    rows.masked_positions.push_back(position - sequence.begin);
  }
  rows.token_offsets.push_back(rows.tokens.size());
  rows.prediction_offsets.push_back(rows.masked_labels.size());
  rows.next_sentence.push_back(sequence.next_sentence);
}

void ForeignRowDecoder::append_pack(const ForeignRow& row, ForeignRows& rows) const {
  const auto sequences = row.sequence_lengths.size();
  if (sequences == 0 || row.prediction_counts.size() != sequences ||
      row.next_sentence.size() != sequences) {
    fail(kForeignPackedLengths, row.number,
         fmt::format("{} lengths, {} counts of predictions and {} next-sentence labels", sequences,
                     row.prediction_counts.size(), row.next_sentence.size()));
  }
  std::size_t token = 0, prediction = 0;
  for (std::size_t s = 0; s < sequences; ++s) {
    const auto length = row.sequence_lengths[s], count = row.prediction_counts[s];
    if (length < 0 || static_cast<std::size_t>(length) > row.tokens.size() - token) {
      fail(kForeignPackedLengths, row.number,
           fmt::format("value {} of a row of {} tokens", length, row.tokens.size()));
    }
    if (count < 0 || static_cast<std::size_t>(count) > row.positions.size() - prediction) {
      fail(kForeignPackedCounts, row.number,
           fmt::format("value {} of a row of {} predictions", count, row.positions.size()));
    }
    const auto tokens = static_cast<std::size_t>(length);
    const auto predictions = static_cast<std::size_t>(count);
    append_sequence(
        {row.number, static_cast<std::int32_t>(token), row.tokens.subspan(token, tokens),
         row.segments.subspan(token, tokens), row.positions.subspan(prediction, predictions),
         row.labels.subspan(prediction, predictions), row.next_sentence[s]},
        rows);
    token += tokens;
    prediction += predictions;
  }
  if (token != row.tokens.size() || prediction != row.positions.size()) {
    fail(token != row.tokens.size() ? kForeignPackedLengths : kForeignPackedCounts, row.number,
         fmt::format("{} of {} tokens and {} of {} predictions belong to a sequence", token,
                     row.tokens.size(), prediction, row.positions.size()));
  }
}

void ForeignRowDecoder::append(const ForeignRow& row, ForeignRows& rows) const {
  if (row.segments.size() != row.tokens.size() || row.labels.size() != row.positions.size()) {
    const bool segments = row.segments.size() != row.tokens.size();
    fail(segments ? kForeignSegments : kForeignLabels, row.number,
         fmt::format("{} values beside {}", segments ? row.segments.size() : row.labels.size(),
                     segments ? row.tokens.size() : row.positions.size()));
  }
  if (layout_ == ForeignLayout::packed) {
    append_pack(row, rows);
  } else {
    const auto real = layout_ == ForeignLayout::padded ? without_free_room(row) : row;
    append_sequence({row.number, 0, real.tokens, real.segments, real.positions, real.labels,
                     row.next_sentence.front()},
                    rows);
  }
  rows.row_offsets.push_back(rows.sequences());
}

}  // namespace bertha
