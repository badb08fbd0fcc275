// What is said of examples: how many were cut, where they stand, and their loss, computed as in
// training.
#include "trainer/tasks/labelled/task_definition.h"

#include <algorithm>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::size_t kSequencesAtOnce = 256;

struct LossMean {
  double sum = 0, terms = 0;
};

// Sequences [begin, end), packed as a batch packs them.
void add_loss(LossKind kind, const ExampleSet& examples, const Predictions& predictions,
              std::size_t begin, std::size_t end, LossMean& mean) {
  std::vector<std::int32_t> labels, offsets{0};
  std::vector<float> values;
  double labelled = 0;
  for (auto i = begin; i < end; ++i) {
    const auto& sequence = examples.sequences[i];
    labels.insert(labels.end(), sequence.labels.begin(), sequence.labels.end());
    values.insert(values.end(), sequence.values.begin(), sequence.values.end());
    offsets.push_back(offsets.back() + static_cast<std::int32_t>(predictions[i].size(0)));
    labelled += static_cast<double>(std::count_if(sequence.labels.begin(), sequence.labels.end(),
                                                  [](auto label) { return label >= 0; }));
  }
  const auto outputs =
      at::cat(std::vector<at::Tensor>(predictions.begin() + static_cast<std::ptrdiff_t>(begin),
                                      predictions.begin() + static_cast<std::ptrdiff_t>(end)));
  mean.sum += labelled_loss(kind, outputs, {labels, values, offsets}).loss.item<double>();
  mean.terms += loss_terms(kind, labelled, static_cast<double>(end - begin),
                           static_cast<double>(outputs.size(1)));
}

}  // namespace

std::string cut_message(const LabelledTaskDefinition& definition, const TaskOptions& options,
                        const std::vector<const ExampleSet*>& sets) {
  std::size_t rows = 0, cut = 0, lost = 0;
  for (const auto* set : sets) {
    rows += set->rows;
    cut += set->cut_rows;
    lost += set->lost_tokens;
  }
  if (cut == 0) return "";
  const auto limit = definition.length_limit
                         ? definition.length_limit(options)
                         : fmt::format("task.max_length {}", options.max_length);
  return fmt::format("{} of {} examples were cut to {}; they lost {} tokens", cut, rows, limit,
                     lost);
}

std::string places_of(const ExampleSet& examples, const std::vector<std::uint64_t>& numbers,
                      std::size_t most) {
  auto text = examples.file + ":";
  std::set<std::size_t> named;
  for (const auto number : numbers) {
    const auto row = examples.sequences.at(static_cast<std::size_t>(number)).row;
    if (!named.insert(row).second || named.size() > most) continue;
    const auto place = examples.place(row);
    if (named.size() > 1) text += place.starts_with(' ') ? "," : ", ";
    text += place;
  }
  if (named.size() > most) text += fmt::format(" and {} more", named.size() - most);
  return text;
}

Scores score_examples(const LabelledTaskDefinition& definition, const ExampleSet& examples,
                      const Predictions& predictions) {
  LossMean mean;
  for (std::size_t begin = 0; begin < predictions.size(); begin += kSequencesAtOnce) {
    const auto end = std::min(begin + kSequencesAtOnce, predictions.size());
    add_loss(definition.loss, examples, predictions, begin, end, mean);
  }
  Scores scores{{"loss", mean.sum / std::max(1.0, mean.terms)}};
  for (auto& score : examples.score(examples, predictions)) scores.push_back(std::move(score));
  return scores;
}

}  // namespace bertha
