// From sentences to one masked sequence.
#include "data_pipeline/samples/sample_builder.h"

namespace bertha {
namespace {

// What is left of a text that loses tokens at both ends.
struct Kept {
  std::vector<std::int32_t>& tokens;
  std::size_t begin = 0, end = tokens.size();

  std::size_t size() const { return end - begin; }
  void cut() {
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(end), tokens.end());
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(begin));
  }
};

// A single text keeps a random window.
void trim_text(std::vector<std::int32_t>& text, std::size_t max_tokens, Philox& random) {
  if (text.size() <= max_tokens) return;
  Kept kept{text};
  kept.begin = static_cast<std::size_t>(random.next_below(text.size() - max_tokens + 1));
  kept.end = kept.begin + max_tokens;
  kept.cut();
}

void append_text(Sequence& sequence, const std::vector<std::int32_t>& text, std::int32_t separator,
                 std::int32_t segment) {
  sequence.tokens.insert(sequence.tokens.end(), text.begin(), text.end());
  sequence.tokens.push_back(separator);
  sequence.segments.resize(sequence.tokens.size(), segment);
}

}  // namespace

void trim_pair(std::vector<std::int32_t>& a, std::vector<std::int32_t>& b, std::size_t max_tokens,
               Philox& random) {
  Kept kept_a{a}, kept_b{b};
  while (kept_a.size() + kept_b.size() > max_tokens) {
    auto& longer = kept_a.size() > kept_b.size() ? kept_a : kept_b;
    if ((random.next_u32() & 1U) == 0) {
      ++longer.begin;
    } else {
      --longer.end;
    }
  }
  kept_a.cut();
  kept_b.cut();
}

SampleBuilder::SampleBuilder(const Corpus& corpus, const DataConfig& config, std::uint64_t seed)
    : corpus_(corpus),
      seed_(seed),
      masker_(corpus.vocabulary(), config.masking, config.sequence_length) {}

LabelledSequence SampleBuilder::build(const SamplePlan& plan, std::uint64_t number,
                                      std::uint32_t epoch) const {
  std::vector<std::int32_t> a, b;
  corpus_.copy_sentences(plan.document, plan.a_begin, plan.a_end, a);
  // Counted from the top, so that no document's stream of sentence pairs is the same.
  Philox trimming(seed_, RandomPurpose::sentence_pairs, ~number, epoch);
  const auto most = static_cast<std::size_t>(plan.max_tokens);
  if (plan.has_b) {
    corpus_.copy_sentences(plan.b_document, plan.b_begin, plan.b_end, b);
    trim_pair(a, b, most, trimming);
  } else {
    trim_text(a, most, trimming);
  }
  const auto& vocabulary = corpus_.vocabulary();
  LabelledSequence result;
  const auto length = a.size() + b.size() + 3;  // [CLS] and two [SEP]
  result.sequence.tokens.reserve(length);
  result.sequence.segments.reserve(length);
  result.sequence.tokens.push_back(vocabulary.cls());
  append_text(result.sequence, a, vocabulary.sep(), 0);
  if (plan.has_b) append_text(result.sequence, b, vocabulary.sep(), 1);
  result.next_sentence = plan.random_b ? 1 : 0;
  result.sample_number = number;
  Philox masking(seed_, RandomPurpose::masking, number, epoch);
  masker_.apply(result.sequence, masking);
  return result;
}

}  // namespace bertha
