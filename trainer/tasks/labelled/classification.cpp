// classification: one label for each text.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "trainer/tasks/labelled/text_rows.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

RowSource<Example> open(const std::filesystem::path& file, const TaskOptions& options,
                        bool labelled) {
  return open_labelled_file(file, text_options(options, labelled));
}

std::vector<std::string> strata(const std::vector<Example>& rows) {
  std::vector<std::string> labels;
  for (const auto& row : rows) labels.push_back(row.label);
  return labels;
}

std::vector<std::string> labels_of(const Example& row) {
  return {row.label};
}

EncodedRow encode(const Example& row, const RowEncoding& encoding, WordPiece::Scratch& scratch) {
  auto encoded = encode_text_row(row, encoding, scratch);
  if (!encoding.labelled) return encoded;
  const auto label = encoding.labels.find(row.label);
  if (!label) throw_unknown_label(row, row.label, encoding);
  encoded.sequences.front().labels = {*label};
  return encoded;
}

std::size_t largest(const std::vector<double>& outputs) {
  return static_cast<std::size_t>(std::max_element(outputs.begin(), outputs.end()) -
                                  outputs.begin());
}

Scores score(const PredictedRows<Example>& predicted) {
  std::vector<std::int32_t> guesses, labels;
  for (const auto& outputs : predicted.outputs) {
    guesses.push_back(static_cast<std::int32_t>(largest(output_row(outputs))));
  }
  for (const auto& sequence : predicted.sequences) labels.push_back(sequence.labels.front());
  return classification_scores(guesses, labels, static_cast<std::int32_t>(predicted.labels.size()));
}

std::vector<double> probabilities(const std::vector<double>& outputs) {
  const auto top = outputs[largest(outputs)];
  std::vector<double> shares;
  double sum = 0;
  for (const auto output : outputs) sum += shares.emplace_back(std::exp(output - top));
  for (auto& share : shares) share /= sum;
  return shares;
}

Mistakes mistakes(const PredictedRows<Example>& predicted) {
  Mistakes wrong;
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    const auto outputs = output_row(predicted.outputs[i]);
    const auto label = static_cast<std::size_t>(predicted.sequences[i].labels.front());
    const auto guess = largest(outputs);
    if (guess == label) continue;
    wrong.rows.push_back({text_of(predicted.rows[predicted.sequences[i].row]),
                          predicted.labels.name(label), predicted.labels.name(guess),
                          probabilities(outputs)[label]});
  }
  return wrong;
}

// {"label": the likeliest, "scores": {label: probability}}
std::vector<std::string> answers(const PredictedRows<Example>& predicted) {
  std::vector<std::string> lines;
  for (const auto& tensor : predicted.outputs) {
    const auto outputs = output_row(tensor);
    const auto shares = probabilities(outputs);
    nlohmann::ordered_json line;
    line["label"] = predicted.labels.name(largest(outputs));
    for (std::size_t i = 0; i < shares.size(); ++i) {
      line["scores"][predicted.labels.name(i)] = shares[i];
    }
    lines.push_back(line.dump());
  }
  return lines;
}

}  // namespace

LabelledTaskDefinition classification_task() {
  LabelledTaskDefinition task;
  task.name = "classification";
  task.head = Head::sequence;
  task.loss = LossKind::cross_entropy;
  task.problem_type = "single_label_classification";
  task.metric = "accuracy";
  return make_definition<Example>(
      task, {open, bytes_of_text, line_of, strata, labels_of, encode, score, answers, mistakes});
}

}  // namespace bertha
