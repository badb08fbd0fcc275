// Counts samples by document, several documents at a time.
#include "data_pipeline/samples/sample_index.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include "data_pipeline/samples/worker_threads.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kDocumentsPerBlock = 64;
constexpr std::uint64_t kSamplesPerMark = 64;

}  // namespace

SampleIndex::SampleIndex(const Corpus& corpus, const DataConfig& config, std::uint64_t seed,
                         std::uint32_t epoch)
    : corpus_(corpus),
      options_{config.sequence_length, config.next_sentence, config.short_sequence_probability,
               seed, epoch},
      sentences_in_([&corpus](std::uint64_t document) { return corpus.sentences_in(document); }) {
  const int shortest = special_tokens(config.next_sentence) + 2;
  if (config.sequence_length < shortest) {
    throw Error(ErrorKind::usage, fmt::format("data.sequence_length is {}; at least {} are needed",
                                              config.sequence_length, shortest));
  }
  const auto documents = static_cast<std::size_t>(corpus.documents());
  first_sample_.assign(documents + 1, 0);
  std::vector<std::vector<Mark>> marks((documents + kDocumentsPerBlock - 1) / kDocumentsPerBlock);
  for_each_block(documents, kDocumentsPerBlock, config.workers,
                 [&](std::size_t, std::size_t begin, std::size_t end) {
                   count_documents(begin, end, marks[begin / kDocumentsPerBlock]);
                 });
  std::partial_sum(first_sample_.begin(), first_sample_.end(), first_sample_.begin());
  for (const auto& of_block : marks)
    std::copy(of_block.begin(), of_block.end(), std::back_inserter(marks_));
}

void SampleIndex::count_documents(std::size_t begin, std::size_t end, std::vector<Mark>& marks) {
  for (std::size_t document = begin; document < end; ++document) {
    DocumentPlanner planner(document, corpus_.sentences(document), corpus_.documents(),
                            sentences_in_, options_);
    while (!planner.done()) {
      planner.skip();
      if (planner.place().sample % kSamplesPerMark == 0)
        marks.push_back({document, planner.place()});
    }
    first_sample_[document + 1] = planner.place().sample;
  }
}

DocumentPlanner::Place SampleIndex::nearest_mark(std::uint64_t document,
                                                 std::uint64_t sample) const {
  const auto behind =
      std::upper_bound(marks_.begin(), marks_.end(), std::pair(document, sample),
                       [](const std::pair<std::uint64_t, std::uint64_t>& wanted, const Mark& mark) {
                         return wanted < std::pair(mark.document, mark.place.sample);
                       });
  if (behind == marks_.begin() || std::prev(behind)->document != document) return {};
  return std::prev(behind)->place;
}

// A random B ends with the sentence that reaches its aim, or with its document.
void SampleIndex::find_end_of_b(SamplePlan& plan, std::uint64_t a_tokens) const {
  const auto sentences = corpus_.sentences(plan.b_document);
  const auto latest = plan.b_end;
  const auto wanted = static_cast<std::uint64_t>(plan.b_tokens);
  std::uint64_t tokens = 0;
  for (plan.b_end = plan.b_begin; plan.b_end < latest && tokens < wanted; ++plan.b_end) {
    tokens += sentences.length(plan.b_end);
  }
  tokens += a_tokens;
  const auto most = static_cast<std::uint64_t>(plan.max_tokens);
  plan.expected_tokens = static_cast<int>(std::min(tokens, most)) + special_tokens(true);
}

SamplePlan SampleIndex::plan(std::uint64_t index) const {
  const auto behind = std::upper_bound(first_sample_.begin(), first_sample_.end(), index);
  const auto document = static_cast<std::uint64_t>(behind - first_sample_.begin()) - 1;
  const auto sample = index - first_sample_[document];
  const auto sentences = corpus_.sentences(document);
  DocumentPlanner planner(document, sentences, corpus_.documents(), sentences_in_, options_);
  planner.seek(nearest_mark(document, sample));
  while (planner.place().sample < sample) planner.skip();
  auto plan = planner.next();
  if (plan.random_b) find_end_of_b(plan, sentences.tokens(plan.a_begin, plan.a_end));
  return plan;
}

}  // namespace bertha
