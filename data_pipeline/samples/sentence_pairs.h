// A/B pairs of one document, as BERT's create_pretraining_data.py makes them (Devlin et al. 2019,
// section 3.1 and appendix A.2). Pure.
//
// Sentences are gathered into a chunk until it has the aimed-at number of tokens or the document
// ends: the maximum or, with `short_sequence_probability`, a uniform number from 2 on. The chunk is
// cut at a random sentence. With probability 1/2, and always when the chunk is one sentence, B is
// taken from another document, from a random sentence on, and what stood behind the cut goes back;
// else B is the rest of the chunk. So more than half of all B are random: short documents and
// documents of long sentences have many chunks of one sentence.
// Unlike there, the aim is drawn for each sample, not once for a whole document (which would make
// a corpus of one large file all short in one epoch of ten), and random numbers are keyed by
// document and sentence, so planning can begin at any sample.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data_pipeline/samples/sample_plan.h"
#include "data_pipeline/shards/sentence_borders.h"
#include "parallel/base/philox.h"

namespace bertha {

struct PairOptions {
  int sequence_length = 128;
  bool next_sentence = true;
  double short_sequence_probability = 0.1;
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
};

using SentencesIn = std::function<std::uint64_t(std::uint64_t document)>;

// Walks through a document sample by sample.
class DocumentPlanner {
 public:
  struct Place {
    std::uint64_t sentence = 0;  // the first that no earlier sample has
    std::uint64_t sample = 0;    // number of the next sample within the document
  };

  // `sentences` of the document, and `sentences_in`, which is asked about the document of a random
  // B (over 0), must outlive the planner. `documents` is the
  // number in the corpus. With a single one (a tiny validation split) a random B comes from
  // elsewhere in it, never right behind A; a lone sentence makes no pair and no sample.
  DocumentPlanner(std::uint64_t document, const SentenceBorders& sentences, std::uint64_t documents,
                  const SentencesIn& sentences_in, const PairOptions& options);

  bool done() const { return place_.sentence >= end_; }
  Place place() const { return place_; }
  void seek(Place place) { place_ = place; }  // one that place() returned
  void skip();                                // past a sample, without looking for its random B
  SamplePlan next();
  // The same in two parts, between which whoever plans many samples asks for the memory that the
  // second one reads: of a random B first only the document, then the sentences.
  struct WithoutB {
    SamplePlan plan;
    Philox random;
  };
  WithoutB next_without_b();
  static SamplePlan with_b(WithoutB half, const SentencesIn& sentences_in);

 private:
  struct Chunk;
  Chunk chunk_here() const;
  bool random_b_exists(std::uint64_t a_end) const;
  void choose_b(const Chunk& chunk, Philox& random, SamplePlan& plan) const;
  void choose_document_of_b(const Chunk& chunk, Philox& random, SamplePlan& plan) const;

  std::uint64_t document_, documents_;
  SentenceBorders sentences_;
  const SentencesIn* sentences_in_;
  PairOptions options_;
  int max_tokens_;
  std::uint64_t key_;  // of this document's random numbers
  std::uint64_t end_;  // sentences to plan
  Place place_;
};

// All samples of a document whose sentences have these `lengths`. Each of its sentences stands in
// exactly one sample as A or following B. With next_sentence off: single texts of whole sentences;
// a sentence longer than a sequence is kept alone and trimmed.
std::vector<SamplePlan> plan_document(std::uint64_t document,
                                      std::span<const std::uint32_t> lengths,
                                      std::uint64_t documents, const SentencesIn& sentences_in,
                                      const PairOptions& options);

// [CLS] A [SEP] B [SEP], or [CLS] A [SEP].
constexpr int special_tokens(bool next_sentence) {
  return next_sentence ? 3 : 2;
}

}  // namespace bertha
