// Counts samples block by block of documents, several blocks at a time.
#include "data_pipeline/samples/sample_index.h"

#include <algorithm>

#include <fmt/format.h>

#include "data_pipeline/samples/sample_starts.h"
#include "data_pipeline/samples/worker_threads.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kDocumentsPerBlock = 64;
// What a thread takes at once: many documents, since the last of them have fewer beside them, but
// blocks one by one where threads would go short; and as many sentences in memory as need be.
constexpr std::size_t kBlocksPerTurn = 8, kLeastTurns = 16;
constexpr std::uint64_t kSentencesAtOnce = 100'000;
constexpr std::uint64_t kNearestMarks = 4;        // samples apart
constexpr std::uint64_t kMostMarks = 32'000'000;  // half a gigabyte

}  // namespace

struct SampleIndex::Counter {
  SampleStarts starts;
  std::vector<SentenceBorders> borders;
  std::vector<Mark> marks;
};

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
  choose_distance(config);
  const auto documents = static_cast<std::size_t>(corpus.documents());
  blocks_.resize((documents + kDocumentsPerBlock - 1) / kDocumentsPerBlock + 1);
  auto turn = kDocumentsPerBlock * kBlocksPerTurn;
  if (documents / turn < kLeastTurns * worker_count(documents, turn, config.workers)) {
    turn = kDocumentsPerBlock;
  }
  std::vector<Counter> counters(worker_count(documents, turn, config.workers),
                                {{options_, corpus.documents()}, {}, {}});
  for_each_block(documents, turn, config.workers,
                 [&](std::size_t worker, std::size_t begin, std::size_t end) {
                   count_samples(begin, end, counters[worker]);
                 });
  for (std::size_t block = 1; block < blocks_.size(); ++block) {
    blocks_[block].first_sample += blocks_[block - 1].first_sample;
  }
}

// About how many samples there are: a chunk is cut in the middle, and half of the pairs use up
// their A only, so over half of its length; at a document's end there may be less.
void SampleIndex::choose_distance(const DataConfig& config) {
  const auto of_sample = static_cast<std::uint64_t>(config.sequence_length + 1) / 2;
  const auto samples = corpus_.tokens() / of_sample + corpus_.documents();
  samples_per_mark_ = std::max(kNearestMarks, samples / kMostMarks + 1);
}

DocumentPlanner SampleIndex::planner_of(std::uint64_t document) const {
  return {document, corpus_.sentences(document), corpus_.documents(), sentences_in_, options_};
}

void SampleIndex::count_samples(std::size_t begin, std::size_t end, Counter& counter) {
  auto& [starts, borders, marks] = counter;
  while (begin < end) {
    borders.clear();
    for (std::uint64_t sentences = 0; begin + borders.size() < end && sentences < kSentencesAtOnce;
         sentences += borders.back().sentences()) {
      borders.push_back(corpus_.sentences(begin + borders.size()));
    }
    starts.find(begin, borders);
    for (std::size_t i = 0; i < borders.size(); ++i) add_document(begin + i, starts.of(i), marks);
    begin += borders.size();
  }
}

// Documents of a block come in order.
void SampleIndex::add_document(std::size_t document, std::span<const std::uint64_t> starts,
                               std::vector<Mark>& marks) {
  const auto block = document / kDocumentsPerBlock;
  const auto number = document % kDocumentsPerBlock;
  auto& samples = blocks_[block + 1].first_sample;
  const auto behind_mark = samples % samples_per_mark_;
  for (auto i = behind_mark == 0 ? 0 : samples_per_mark_ - behind_mark; i < starts.size();
       i += samples_per_mark_) {
    marks.push_back({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(i), starts[i]});
  }
  samples += starts.size();
  if (number + 1 < kDocumentsPerBlock && document + 1 < corpus_.documents()) return;
  blocks_[block].marks.assign(marks.begin(), marks.end());  // no larger than need be
  marks.clear();
}

// A random B ends with the sentence that reaches its aim, or with its document.
SamplePlan SampleIndex::with_end_of_b(SamplePlan plan) const {
  if (!plan.random_b) return plan;
  const auto sentences = corpus_.sentences(plan.b_document);
  const auto latest = plan.b_end;
  const auto wanted = static_cast<std::uint64_t>(plan.b_tokens);
  std::uint64_t tokens = 0;
  for (plan.b_end = plan.b_begin; plan.b_end < latest && tokens < wanted; ++plan.b_end) {
    tokens += sentences.length(plan.b_end);
  }
  tokens += corpus_.tokens_of(plan.document, plan.a_begin, plan.a_end).size();
  const auto most = static_cast<std::uint64_t>(plan.max_tokens);
  plan.expected_tokens = static_cast<int>(std::min(tokens, most)) + special_tokens(true);
  return plan;
}

SampleIndex::Start SampleIndex::start_of(std::uint64_t index) const {
  const auto behind = std::ranges::upper_bound(blocks_, index, {}, &Block::first_sample);
  const auto& block = *std::prev(behind);
  const auto number = index - block.first_sample;
  return {&block.marks[number / samples_per_mark_],
          static_cast<std::uint64_t>(&block - blocks_.data()) * kDocumentsPerBlock,
          number % samples_per_mark_};
}

DocumentPlanner::WithoutB SampleIndex::plan_from(const Start& start) const {
  auto document = start.document();
  auto planner = planner_of(document);
  planner.seek({start.mark->sentence, start.mark->sample});
  for (auto left = start.skipped;; planner.skip(), --left) {
    while (planner.done()) planner = planner_of(++document);
    if (left == 0) return planner.next_without_b();
  }
}

SamplePlan SampleIndex::plan(std::uint64_t index) const {
  return with_end_of_b(DocumentPlanner::with_b(plan_from(start_of(index)), sentences_in_));
}

void SampleIndex::plan(std::span<const std::uint64_t> indices,
                       std::vector<SamplePlan>& plans) const {
  constexpr std::uint64_t kLinesOfA = 4, kLinesOfB = 2;  // of borders; of B one sample's
  std::vector<Start> starts;
  std::vector<DocumentPlanner::WithoutB> halves;
  starts.reserve(indices.size());
  halves.reserve(indices.size());
  for (const auto index : indices) {
    starts.push_back(start_of(index));
    __builtin_prefetch(starts.back().mark);
  }
  for (const auto& start : starts) corpus_.prefetch_document(start.document());
  for (const auto& start : starts) {
    corpus_.prefetch_sentences(start.document(), start.mark->sentence, kLinesOfA);
  }
  for (const auto& start : starts) {
    const auto& plan = halves.emplace_back(plan_from(start)).plan;
    if (plan.random_b) corpus_.prefetch_document(plan.b_document);
  }
  plans.clear();
  for (const auto& half : halves) {
    const auto& plan = plans.emplace_back(DocumentPlanner::with_b(half, sentences_in_));
    if (plan.random_b) corpus_.prefetch_sentences(plan.b_document, plan.b_begin, kLinesOfB);
  }
  for (auto& plan : plans) plan = with_end_of_b(plan);
}

}  // namespace bertha
