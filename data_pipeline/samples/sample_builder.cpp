// From sentences to one masked sequence.
#include "data_pipeline/samples/sample_builder.h"

#include <optional>

namespace bertha {
namespace {

// A single text keeps a random window.
void trim_text(TokenRange& text, std::uint64_t max_tokens, Philox& random) {
  if (text.size() <= max_tokens) return;
  text.begin += random.next_below(text.size() - max_tokens + 1);
  text.end = text.begin + max_tokens;
}

}  // namespace

void trim_pair(TokenRange& a, TokenRange& b, std::uint64_t max_tokens, Philox& random) {
  while (a.size() + b.size() > max_tokens) {
    auto& longer = a.size() > b.size() ? a : b;
    if ((random.next_u32() & 1U) == 0) {
      ++longer.begin;
    } else {
      --longer.end;
    }
  }
}

SampleBuilder::SampleBuilder(const Corpus& corpus, const DataConfig& config, std::uint64_t seed)
    : corpus_(corpus),
      seed_(seed),
      masker_(corpus.vocabulary(), config.masking, config.sequence_length),
      reads_marks_(corpus.has_word_marks() && masker_.wants_words()) {}

// With what stands beside the text: a run of ideographs that it cuts has other words.
void SampleBuilder::append_marks(std::uint64_t document, TokenRange text,
                                 std::vector<std::uint8_t>& marks) const {
  const auto first = marks.size();
  corpus_.copy_word_marks(document, text, marks);
  if (marks.size() > first) {
    const auto cuts = [&](std::optional<std::int32_t> before, std::optional<std::int32_t> behind) {
      return before && behind && masker_.may_cut_run(*before, *behind);
    };
    const auto token = [&](std::uint64_t at) { return corpus_.token_of(document, at); };
    // Before its first and behind its last one: wrapping around is no token of the document.
    if (cuts(token(text.begin - 1), token(text.begin))) marks[first] = kUnknownWord;
    if (cuts(token(text.end - 1), token(text.end))) marks.back() = kUnknownWord;
  }
  marks.push_back(kBeginsWord);  // [SEP]
}

void SampleBuilder::prefetch(const SamplePlan& plan) const {
  corpus_.prefetch_tokens(plan.document,
                          corpus_.tokens_of(plan.document, plan.a_begin, plan.a_end));
  if (!plan.has_b) return;
  corpus_.prefetch_tokens(plan.b_document,
                          corpus_.tokens_of(plan.b_document, plan.b_begin, plan.b_end));
}

void SampleBuilder::expect(const SamplePlan& plan) const {
  if (!corpus_.is_too_large()) return;
  corpus_.expect_tokens(plan.document, corpus_.tokens_of(plan.document, plan.a_begin, plan.a_end));
  if (!plan.has_b) return;
  corpus_.expect_tokens(plan.b_document,
                        corpus_.tokens_of(plan.b_document, plan.b_begin, plan.b_end));
}

void SampleBuilder::build(const SamplePlan& plan, std::uint64_t number, std::uint32_t epoch,
                          LabelledSequence& result) const {
  auto a = corpus_.tokens_of(plan.document, plan.a_begin, plan.a_end);
  // Counted from the top, so that no document's stream of sentence pairs is the same.
  Philox trimming(seed_, RandomPurpose::sentence_pairs, ~number, epoch);
  const auto most = static_cast<std::uint64_t>(plan.max_tokens);
  TokenRange b;
  if (plan.has_b) {
    b = corpus_.tokens_of(plan.b_document, plan.b_begin, plan.b_end);
    trim_pair(a, b, most, trimming);
  } else {
    trim_text(a, most, trimming);
  }
  auto& [tokens, segments, masked_positions, masked_labels] = result.sequence;
  const auto& vocabulary = corpus_.vocabulary();
  tokens.reserve(a.size() + b.size() + 3);  // [CLS] and two [SEP]
  tokens.push_back(vocabulary.cls());
  const auto append = [&](std::uint64_t document, TokenRange text, std::int32_t segment) {
    corpus_.copy_tokens(document, text, tokens);
    tokens.push_back(vocabulary.sep());
    segments.resize(tokens.size(), segment);
  };
  append(plan.document, a, 0);
  if (plan.has_b) append(plan.b_document, b, 1);
  thread_local std::vector<std::uint8_t> marks;  // for its memory
  marks.clear();
  if (reads_marks_) {
    marks.push_back(kBeginsWord);  // [CLS]
    append_marks(plan.document, a, marks);
    if (plan.has_b) append_marks(plan.b_document, b, marks);
  }
  result.next_sentence = plan.random_b ? 1 : 0;
  result.sample_number = number;
  Philox masking(seed_, RandomPurpose::masking, number, epoch);
  masker_.apply(result.sequence, masking, marks);
}

}  // namespace bertha
