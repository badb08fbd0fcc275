// regression: a number for each text.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/labelled_strata.h"
#include "data_pipeline/labelled/labelled_value.h"
#include "trainer/tasks/labelled/text_rows.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

RowSource<Example> open(const std::filesystem::path& file, const TaskOptions& options,
                        bool labelled) {
  auto text = text_options(options, labelled);
  text.regression = true;
  return open_labelled_file(file, text);
}

std::vector<std::string> strata(const std::vector<Example>& rows) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(parse_regression_label(row.label).value_or(0));
  return value_strata(values);
}

EncodedRow encode(const Example& row, const RowEncoding& encoding, WordPiece::Scratch& scratch) {
  auto encoded = encode_text_row(row, encoding, scratch);
  if (!encoding.labelled) return encoded;
  const auto value = parse_regression_label(row.label);
  if (!value) {
    throw_bad_label(row, row.label, encoding, "is not a finite number", "regression needs numbers");
  }
  encoded.sequences.front().values = {*value};
  return encoded;
}

Scores score(const PredictedRows<Example>& predicted) {
  std::vector<double> guesses, values;
  for (const auto& outputs : predicted.outputs) guesses.push_back(outputs.item<float>());
  for (const auto& sequence : predicted.sequences) values.push_back(sequence.values.front());
  return regression_scores(guesses, values);
}

// Every row is off by something.
Mistakes mistakes(const PredictedRows<Example>& predicted) {
  Mistakes wrong{"error", true, {}};
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    const double value = predicted.sequences[i].values.front();
    const double guess = predicted.outputs[i].item<float>();
    wrong.rows.push_back({text_of(predicted.rows[predicted.sequences[i].row]),
                          fmt::format("{:.4g}", value), fmt::format("{:.4g}", guess),
                          std::abs(guess - value)});
  }
  return wrong;
}

// {"value": number}
std::vector<std::string> answers(const PredictedRows<Example>& predicted) {
  std::vector<std::string> lines;
  for (const auto& outputs : predicted.outputs) {
    lines.push_back(nlohmann::ordered_json{{"value", outputs.item<float>()}}.dump());
  }
  return lines;
}

}  // namespace

LabelledTaskDefinition regression_task() {
  LabelledTaskDefinition task;
  task.name = "regression";
  task.head = Head::sequence;
  task.loss = LossKind::mean_squared_error;
  task.outputs = 1;
  task.problem_type = "regression";
  task.metric = "spearman";
  return make_definition<Example>(
      task, {open, bytes_of_text, line_of, strata, nullptr, encode, score, answers, mistakes});
}

}  // namespace bertha
