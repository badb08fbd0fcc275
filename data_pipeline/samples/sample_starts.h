// Where the samples of many documents begin. Where one begins is known only from the random numbers
// of the one before, but documents do not wait for each other: sixteen are gone through side by
// side, their random numbers drawn together, and what is decided is computed, not branched on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/samples/sentence_pairs.h"
#include "data_pipeline/shards/sentence_borders.h"
#include "parallel/base/philox_streams.h"

namespace bertha {

class SampleStarts {
 public:
  // Of a corpus of so many `documents`. `way`: of first_number_ways(), the last one by default.
  SampleStarts(const PairOptions& options, std::uint64_t documents);
  SampleStarts(const PairOptions& options, std::uint64_t documents, const FirstNumberWays& way);

  // For documents `first`, `first` + 1 and so on, of these borders: the first sentence of every
  // sample that a DocumentPlanner makes. Error{bad_data} as of DocumentPlanner.
  void find(std::uint64_t first, std::span<const SentenceBorders> documents);
  // Of the i-th of them, until find() is called again.
  std::span<const std::uint64_t> of(std::size_t i) const {
    return std::span(starts_).subspan(places_[i], counts_[i]);
  }

 private:
  // Documents on their way, side by side.
  struct Lanes;

  void choose_step();
  void draw_keys(std::uint64_t first, std::size_t documents);
  std::size_t count_alone(std::uint64_t document, const SentenceBorders& borders,
                          std::uint64_t* out) const;
  bool enter_next(Lanes& lanes, std::size_t lane);
  bool go_on(Lanes& lanes, std::size_t lane);
  template <bool kPairs>
  void go_through();
  template <bool kPairs>
  void draw_limits(const FirstNumbers& numbers, Lanes& lanes) const;
  void find_last(Lanes& lanes) const;
  template <bool kPairs>
  void end_samples(const FirstNumbers& numbers, Lanes& lanes) const;
  std::uint64_t last_within(const SentenceBorders& borders, std::uint64_t from,
                            std::uint64_t limit) const;
  std::uint64_t next_alone(const Lanes& lanes, std::size_t lane) const;

  PairOptions options_;
  std::uint64_t documents_;
  FirstNumberWays way_;
  SentencesIn no_sentences_;
  std::uint64_t short_below_, longest_, widest_step_ = 1;
  std::uint64_t first_ = 0;
  std::span<const SentenceBorders> given_;
  std::size_t entered_ = 0;
  bool may_have_fault_ = false;               // of the documents given
  std::vector<std::uint64_t> keys_, starts_;  // by document; by sample, with gaps
  std::vector<std::size_t> places_, counts_;  // by document: in starts_
};

}  // namespace bertha
