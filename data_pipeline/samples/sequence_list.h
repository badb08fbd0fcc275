// Labelled sequences, many of them in a few arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/samples/masking.h"

namespace bertha {

struct LabelledSequence {
  Sequence sequence;
  std::int32_t next_sentence = 0;
  std::uint64_t sample_number = 0;
};

// One that lies elsewhere.
struct SequenceView {
  std::span<const std::int32_t> tokens, segments, masked_positions, masked_labels;
  std::int32_t next_sentence = 0;
  std::uint64_t sample_number = 0;

  int length() const { return static_cast<int>(tokens.size()); }
};

// Sequences end to end. A step makes thousands, so this is what lives on from step to step and
// keeps its memory; what is in it is valid until clear().
class SequenceList {
 public:
  void clear();
  std::size_t size() const { return ends_.size(); }
  SequenceView operator[](std::size_t index) const;
  void append(const SequenceView& sequence);
  // For whoever makes a sequence: fill `draft()`, whose vectors are empty, then append_draft().
  LabelledSequence& draft();
  void append_draft();

 private:
  struct Ends {
    std::size_t tokens, predictions;
    std::int32_t next_sentence;
    std::uint64_t sample_number;
  };
  std::vector<std::int32_t> tokens_, segments_, masked_positions_, masked_labels_;
  std::vector<Ends> ends_;  // by sequence
  LabelledSequence draft_;
};

}  // namespace bertha
