// Chunks of sentences, cut into A and B.
#include "data_pipeline/samples/sentence_pairs.h"

#include <algorithm>

#include "parallel/base/philox.h"

namespace bertha {
namespace {

// Sentences that a random B may have: none is empty.
std::uint64_t reach_of(const SamplePlan& plan) {
  return static_cast<std::uint64_t>(plan.b_tokens);
}

}  // namespace

struct DocumentPlanner::Chunk {
  std::uint64_t begin = 0, end = 0;  // sentences
  std::uint64_t a_end = 0;
  bool random_b = false;
  int target = 0;  // tokens of A and B aimed at
  Philox random;   // where its stream stands behind the decisions above

  std::uint64_t next_begin() const { return random_b ? a_end : end; }
};

DocumentPlanner::DocumentPlanner(std::uint64_t document, const SentenceBorders& sentences,
                                 std::uint64_t documents, const SentencesIn& sentences_in,
                                 const PairOptions& options)
    : document_(document),
      documents_(documents),
      sentences_(sentences),
      sentences_in_(&sentences_in),
      options_(options),
      max_tokens_(options.sequence_length - special_tokens(options.next_sentence)),
      key_(Philox(options.seed, RandomPurpose::sentence_pairs, document, options.epoch).next_u64()),
      end_(sentences.sentences()) {
  if (options.next_sentence && documents == 1 && end_ == 1) end_ = 0;
}

DocumentPlanner::Chunk DocumentPlanner::chunk_here() const {
  const auto begin = place_.sentence;
  Chunk chunk{
      begin,       begin,
      begin,       false,
      max_tokens_, {options_.seed, RandomPurpose::sentence_pairs, key_ + begin, options_.epoch}};
  if (chunk.random.next_double() < options_.short_sequence_probability) {
    chunk.target =
        2 + static_cast<int>(chunk.random.next_below(static_cast<std::uint64_t>(max_tokens_ - 1)));
  }
  const auto target = static_cast<std::uint64_t>(chunk.target);
  std::uint64_t tokens = 0;
  if (!options_.next_sentence) {
    do {
      tokens += sentences_.length(chunk.end++);
    } while (chunk.end < end_ && tokens + sentences_.length(chunk.end) <= target);
    chunk.a_end = chunk.end;
    return chunk;
  }
  while (chunk.end < end_ && (chunk.end == begin || tokens < target))
    tokens += sentences_.length(chunk.end++);
  const auto sentences = chunk.end - begin;
  chunk.a_end = begin + 1 + (sentences > 1 ? chunk.random.next_below(sentences - 1) : 0);
  chunk.random_b = sentences == 1 || chunk.random.next_double() < 0.5;
  if (chunk.random_b && !random_b_exists(chunk.a_end)) chunk.random_b = false;
  return chunk;
}

// In a corpus of one document: a sentence that neither belongs to A nor follows it.
bool DocumentPlanner::random_b_exists(std::uint64_t a_end) const {
  return documents_ > 1 || place_.sentence > 0 || a_end + 1 < end_;
}

void DocumentPlanner::skip() {
  place_ = {chunk_here().next_begin(), place_.sample + 1};
}

SamplePlan DocumentPlanner::next() {
  return with_b(next_without_b(), *sentences_in_);
}

DocumentPlanner::WithoutB DocumentPlanner::next_without_b() {
  const auto chunk = chunk_here();
  WithoutB half{{}, chunk.random};
  auto& plan = half.plan;
  plan.document = document_;
  plan.a_begin = chunk.begin;
  plan.a_end = chunk.a_end;
  plan.max_tokens = max_tokens_;
  plan.document_sample = place_.sample;
  choose_b(chunk, half.random, plan);
  place_ = {chunk.next_begin(), place_.sample + 1};
  return half;
}

void DocumentPlanner::choose_b(const Chunk& chunk, Philox& random, SamplePlan& plan) const {
  const auto a_tokens = sentences_.tokens(chunk.begin, chunk.a_end);
  std::uint64_t tokens = a_tokens;
  if (options_.next_sentence) {
    plan.has_b = true;
    plan.random_b = chunk.random_b;
    if (chunk.random_b) {
      const auto target = static_cast<std::uint64_t>(chunk.target);
      plan.b_tokens = a_tokens < target ? static_cast<int>(target - a_tokens) : 1;
      choose_document_of_b(chunk, random, plan);
      tokens += static_cast<std::uint64_t>(plan.b_tokens);
    } else {
      plan.b_document = document_;
      plan.b_begin = chunk.a_end;
      plan.b_end = chunk.end;
      tokens += sentences_.tokens(plan.b_begin, plan.b_end);
    }
  }
  plan.expected_tokens =
      static_cast<int>(std::min(tokens, static_cast<std::uint64_t>(max_tokens_))) +
      special_tokens(options_.next_sentence);
}

// Where there is no other document the sentences, too; else b_end stays 0.
void DocumentPlanner::choose_document_of_b(const Chunk& chunk, Philox& random,
                                           SamplePlan& plan) const {
  if (documents_ == 1) {
    const auto behind = end_ - std::min(end_, chunk.a_end + 1);
    const auto choice = random.next_below(chunk.begin + behind);
    plan.b_document = document_;
    plan.b_begin = choice < chunk.begin ? choice : chunk.a_end + 1 + (choice - chunk.begin);
    plan.b_end = std::min(choice < chunk.begin ? chunk.begin : end_, plan.b_begin + reach_of(plan));
    return;
  }
  const auto other = random.next_below(documents_ - 1);
  plan.b_document = other < document_ ? other : other + 1;
}

SamplePlan DocumentPlanner::with_b(WithoutB half, const SentencesIn& sentences_in) {
  auto& plan = half.plan;
  if (!plan.random_b || plan.b_end > 0) return plan;
  const auto sentences = sentences_in(plan.b_document);
  plan.b_begin = half.random.next_below(sentences);
  plan.b_end = std::min(sentences, plan.b_begin + reach_of(plan));
  return plan;
}

std::vector<SamplePlan> plan_document(std::uint64_t document,
                                      std::span<const std::uint32_t> lengths,
                                      std::uint64_t documents, const SentencesIn& sentences_in,
                                      const PairOptions& options) {
  std::vector<std::uint64_t> borders{0};
  for (const auto length : lengths) borders.push_back(borders.back() + length);
  std::vector<SamplePlan> plans;
  DocumentPlanner planner(document, SentenceBorders(borders), documents, sentences_in, options);
  while (!planner.done()) plans.push_back(planner.next());
  return plans;
}

}  // namespace bertha
