// A/B pairs of one document, as BERT's create_pretraining_data.py makes them (Devlin et al. 2019,
// section 3.1 and appendix A.2). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data_pipeline/samples/sample_index.h"

namespace bertha {

struct PairOptions {
  int sequence_length = 128;
  bool next_sentence = true;
  double short_sequence_probability = 0.1;
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
};

// All samples of `document`, whose sentences have these token counts; `sentences_in(document)` is
// asked for the random text B's document. `documents` is the number in the corpus (2 or more with
// next_sentence). Each sentence of the document stands in exactly one sample as A or following B.
// With next_sentence off: single texts of whole sentences; a sentence longer than a sequence is
// kept alone and trimmed.
std::vector<SamplePlan> plan_document(
    std::uint64_t document, std::span<const std::uint32_t> lengths, std::uint64_t documents,
    const std::function<std::uint64_t(std::uint64_t)>& sentences_in, const PairOptions& options);

}  // namespace bertha
