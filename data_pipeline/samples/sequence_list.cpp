// Arrays and where each sequence ends in them.
#include "data_pipeline/samples/sequence_list.h"

namespace bertha {
namespace {

void append_to(std::vector<std::int32_t>& values, std::span<const std::int32_t> more) {
  values.insert(values.end(), more.begin(), more.end());
}

}  // namespace

void SequenceList::clear() {
  for (auto* values : {&tokens_, &segments_, &masked_positions_, &masked_labels_}) values->clear();
  ends_.clear();
}

SequenceView SequenceList::operator[](std::size_t index) const {
  const auto& end = ends_[index];
  const auto begin = index > 0 ? ends_[index - 1] : Ends{};
  const auto part = [](const std::vector<std::int32_t>& values, std::size_t from, std::size_t to) {
    return std::span(values).subspan(from, to - from);
  };
  return {part(tokens_, begin.tokens, end.tokens),
          part(segments_, begin.tokens, end.tokens),
          part(masked_positions_, begin.predictions, end.predictions),
          part(masked_labels_, begin.predictions, end.predictions),
          end.next_sentence,
          end.sample_number};
}

void SequenceList::append(const SequenceView& sequence) {
  append_to(tokens_, sequence.tokens);
  append_to(segments_, sequence.segments);
  append_to(masked_positions_, sequence.masked_positions);
  append_to(masked_labels_, sequence.masked_labels);
  ends_.push_back(
      {tokens_.size(), masked_positions_.size(), sequence.next_sentence, sequence.sample_number});
}

LabelledSequence& SequenceList::draft() {
  auto& [tokens, segments, masked_positions, masked_labels] = draft_.sequence;
  for (auto* values : {&tokens, &segments, &masked_positions, &masked_labels}) values->clear();
  return draft_;
}

void SequenceList::append_draft() {
  const auto& [tokens, segments, masked_positions, masked_labels] = draft_.sequence;
  append({tokens, segments, masked_positions, masked_labels, draft_.next_sentence,
          draft_.sample_number});
}

}  // namespace bertha
