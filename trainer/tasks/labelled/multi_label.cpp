// multi_label: any number of labels for each text, none too; each is a decision of its own.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/labelled_strata.h"
#include "data_pipeline/labelled/labelled_value.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"
#include "trainer/tasks/labelled/text_rows.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

struct LabelledText {
  Example text;
  std::vector<std::string> labels;
};

LabelledText labelled_text(Example example, const std::string& file, const TaskOptions& options) {
  auto labels = parse_label_list(example.label, options.label_delimiter);
  if (!labels) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}:{}: '{}' is no list of labels {}", file, example.row,
                            excerpt(example.label), column_note(options.label_column)),
                "write [\"a\", \"b\"], or part them by task.label_delimiter");
  }
  return {std::move(example), std::move(*labels)};
}

RowSource<LabelledText> open(const std::filesystem::path& file, const TaskOptions& options,
                             bool labelled) {
  auto text = text_options(options, labelled);
  text.several = true;
  return [next = open_labelled_file(file, text), name = file.string(),
          options]() -> std::optional<LabelledText> {
    auto example = next();
    if (!example) return std::nullopt;
    return labelled_text(std::move(*example), name, options);
  };
}

std::size_t bytes(const LabelledText& row) {
  return bytes_of_text(row.text);
}

std::string place(const LabelledText& row) {
  return line_of(row.text);
}

std::vector<std::string> strata(const std::vector<LabelledText>& rows) {
  std::vector<std::vector<std::string>> labels;
  for (const auto& row : rows) labels.push_back(row.labels);
  return label_strata(labels);
}

std::vector<std::string> labels_of(const LabelledText& row) {
  return row.labels;
}

EncodedRow encode(const LabelledText& row, const RowEncoding& encoding,
                  WordPiece::Scratch& scratch) {
  auto encoded = encode_text_row(row.text, encoding, scratch);
  if (!encoding.labelled) return encoded;
  std::vector<float> flags(encoding.labels.size());
  for (const auto& label : row.labels) {
    const auto id = encoding.labels.find(label);
    if (!id) throw_unknown_label(row.text, label, encoding);
    flags[static_cast<std::size_t>(*id)] = 1;
  }
  encoded.sequences.front().values = std::move(flags);
  return encoded;
}

Scores score(const PredictedRows<LabelledText>& predicted) {
  std::vector<std::vector<bool>> guesses, labels;
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    auto& guess = guesses.emplace_back();
    for (const auto output : output_row(predicted.outputs[i])) guess.push_back(output > 0);
    auto& label = labels.emplace_back();
    for (const auto flag : predicted.sequences[i].values) label.push_back(flag > 0);
  }
  return multi_label_scores(guesses, labels);
}

double probability(double output) {
  return 1 / (1 + std::exp(-output));
}

// The labels of a text as one; its probability is that of all decisions together.
Mistakes mistakes(const PredictedRows<LabelledText>& predicted) {
  Mistakes wrong;
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    const auto outputs = output_row(predicted.outputs[i]);
    Mistake mistake{text_of(predicted.rows[predicted.sequences[i].row].text), {}, {}, 1};
    const auto add = [&](std::string& list, std::size_t label) {
      list += (list.empty() ? "" : ", ") + predicted.labels.name(label);
    };
    bool right = true;
    for (std::size_t label = 0; label < outputs.size(); ++label) {
      const bool given = predicted.sequences[i].values[label] > 0, guessed = outputs[label] > 0;
      if (given) add(mistake.label, label);
      if (guessed) add(mistake.predicted, label);
      mistake.value *= probability(given ? outputs[label] : -outputs[label]);
      right = right && given == guessed;
    }
    if (right) continue;
    for (auto* list : {&mistake.label, &mistake.predicted}) {
      if (list->empty()) *list = "(none)";
    }
    wrong.rows.push_back(std::move(mistake));
  }
  return wrong;
}

// {"labels": those over one half, "scores": {label: probability}}
std::vector<std::string> answers(const PredictedRows<LabelledText>& predicted) {
  std::vector<std::string> lines;
  for (const auto& outputs : predicted.outputs) {
    auto labels = nlohmann::ordered_json::array(), scores = nlohmann::ordered_json::object();
    const auto row = output_row(outputs);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto& name = predicted.labels.name(i);
      if (row[i] > 0) labels.push_back(name);
      scores[name] = probability(row[i]);
    }
    lines.push_back(nlohmann::ordered_json{{"labels", labels}, {"scores", scores}}.dump());
  }
  return lines;
}

}  // namespace

LabelledTaskDefinition multi_label_task() {
  LabelledTaskDefinition task;
  task.name = "multi_label";
  task.head = Head::sequence;
  task.loss = LossKind::binary_cross_entropy;
  task.problem_type = "multi_label_classification";
  task.metric = "micro_f1";
  return make_definition<LabelledText>(
      task, {open, bytes, place, strata, labels_of, encode, score, answers, mistakes});
}

}  // namespace bertha
