// Makes a LabelledTaskDefinition out of a handful of functions over the task's own rows.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_pipeline/labelled/labelled_splits.h"
#include "data_pipeline/labelled/row_source.h"
#include "data_pipeline/samples/worker_threads.h"
#include "trainer/tasks/labelled/label_names.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

// What a row is encoded with.
struct RowEncoding {
  const TaskOptions& options;
  const WordPiece& tokenizer;
  const LabelNames& labels;
  std::string file;      // for errors
  bool labelled = true;  // false: to predict
};

// The sequences of one row: one, or several windows. A row without any has no prediction.
struct EncodedRow {
  std::vector<EncodedExample> sequences;
  std::size_t lost_tokens = 0;  // cut off
};

// What the model said about all rows of a set. sequences[i] belongs to rows[sequences[i].row], and
// outputs[i] is what the head gave for it.
template <class Row>
struct PredictedRows {
  const std::vector<Row>& rows;
  const std::vector<EncodedExample>& sequences;
  const Predictions& outputs;
  const LabelNames& labels;
  const TaskOptions& options;
};

template <class Row>
struct RowFunctions {
  // Rows are read as they are asked for. Without `labelled` the file has no labels, or they are not
  // looked at.
  RowSource<Row> (*open)(const std::filesystem::path& file, const TaskOptions& options,
                         bool labelled);
  std::size_t (*bytes)(const Row& row);  // of its text
  // What errors write behind "file:", the line "17" or " question 'x'".
  std::string (*place)(const Row& row);
  // One for each row; rows are split into training, validation and test alike for each value.
  std::vector<std::string> (*strata)(const std::vector<Row>& rows);
  // Labels that a row holds; null: outputs are no labels.
  std::vector<std::string> (*labels)(const Row& row) = nullptr;
  // Called by several threads. Error{bad_data} names file and line.
  EncodedRow (*encode)(const Row& row, const RowEncoding& encoding, WordPiece::Scratch& scratch);
  Scores (*score)(const PredictedRows<Row>& predicted);
  std::vector<std::string> (*answers)(const PredictedRows<Row>& predicted);  // a line for each row
  Mistakes (*mistakes)(const PredictedRows<Row>& predicted);
  // A question that has no answer; null: rows are no questions.
  bool (*unanswered)(const Row& row) = nullptr;
  // Rows of one group, by its name, come into the same split; null: every row is by itself.
  std::string_view (*group)(const Row& row) = nullptr;
};

namespace detail {

constexpr std::size_t kRowsPerBlock = 64;

template <class Row>
using SharedRows = std::shared_ptr<const std::vector<Row>>;

template <class Row>
std::vector<EncodedRow> encode_rows(const RowFunctions<Row>& functions,
                                    const std::vector<Row>& rows, const RowEncoding& encoding,
                                    int threads) {
  std::vector<EncodedRow> encoded(rows.size());
  std::vector<WordPiece::Scratch> scratches(worker_count(rows.size(), kRowsPerBlock, threads));
  for_each_block(rows.size(), kRowsPerBlock, threads,
                 [&](std::size_t worker, std::size_t begin, std::size_t end) {
                   for (auto i = begin; i < end; ++i) {
                     encoded[i] = functions.encode(rows[i], encoding, scratches[worker]);
                   }
                 });
  return encoded;
}

template <class Row>
ExampleSet make_set(const RowFunctions<Row>& functions, std::vector<Row> all,
                    const RowEncoding& encoding, int threads) {
  ExampleSet set;
  set.file = encoding.file;
  set.rows = all.size();
  auto encoded = encode_rows(functions, all, encoding, threads);
  for (std::size_t row = 0; row < encoded.size(); ++row) {
    set.cut_rows += encoded[row].lost_tokens > 0 ? 1 : 0;
    set.lost_tokens += encoded[row].lost_tokens;
    for (auto& sequence : encoded[row].sequences) {
      sequence.number = set.sequences.size();
      sequence.row = row;
      set.sequences.push_back(std::move(sequence));
    }
  }
  const auto rows = std::make_shared<const std::vector<Row>>(std::move(all));
  set.place = [rows, function = functions.place](std::size_t row) {
    return function((*rows)[row]);
  };
  const auto view = [rows, labels = encoding.labels, options = encoding.options](
                        const ExampleSet& examples, const Predictions& outputs, auto function) {
    return function(PredictedRows<Row>{*rows, examples.sequences, outputs, labels, options});
  };
  set.score = [view, function = functions.score](const auto& examples, const auto& outputs) {
    return view(examples, outputs, function);
  };
  set.answers = [view, function = functions.answers](const auto& examples, const auto& outputs) {
    return view(examples, outputs, function);
  };
  set.mistakes = [view, function = functions.mistakes](const auto& examples, const auto& outputs) {
    return view(examples, outputs, function);
  };
  return set;
}

template <class Row>
struct SplitRows {
  std::vector<Row> train, validation, test;
};

template <class Row>
SplitRows<Row> split_rows(const RowFunctions<Row>& functions, std::vector<Row> all,
                          const EncodingSettings& settings) {
  const auto& options = settings.options;
  const auto strata = functions.strata(all);
  const SplitFractions fractions{options.validation.empty() ? options.validation_fraction : 0,
                                 options.test.empty() ? options.test_fraction : 0};
  std::vector<std::string_view> groups(functions.group ? all.size() : 0);
  if (functions.group) std::transform(all.begin(), all.end(), groups.begin(), functions.group);
  const auto places = functions.group ? split_groups(groups, strata, fractions, settings.seed)
                                      : split_places(strata, fractions, settings.seed);
  const auto take = [&](const std::vector<std::size_t>& chosen) {
    std::vector<Row> rows;
    for (const auto place : chosen) rows.push_back(std::move(all[place]));
    return rows;
  };
  return {take(places.train), take(places.validation), take(places.test)};
}

template <class Row>
TaskData load(const LabelledTaskDefinition& definition, const RowFunctions<Row>& functions,
              const EncodingSettings& settings) {
  auto options = settings.options;
  const auto read = [&](const std::filesystem::path& file) {
    return all_rows(functions.open(file, options, true));
  };
  auto all = read(options.train);
  const bool one_group =
      functions.group && std::all_of(all.begin(), all.end(), [&](const Row& row) {
        return functions.group(row) == functions.group(all.front());
      });
  auto rows = split_rows(functions, std::move(all), settings);
  if (!options.validation.empty()) rows.validation = read(options.validation);
  if (!options.test.empty()) rows.test = read(options.test);
  require_examples(options, rows.train.size(), rows.validation.size(), one_group);
  if (functions.unanswered && options.unanswerable == "auto") {
    const bool any = std::any_of(rows.train.begin(), rows.train.end(), functions.unanswered);
    options.unanswerable = any ? "true" : "false";
  }

  LabelNames labels;
  if (functions.labels) {
    LabelCollector collector;
    for (const auto& row : rows.train) collector.add_training(functions.labels(row));
    for (const auto& row : rows.validation) collector.add_other(functions.labels(row));
    for (const auto& row : rows.test) collector.add_other(functions.labels(row));
    labels = collector.names(definition.name, options);
  }
  const auto encode = [&](std::vector<Row> part, const std::filesystem::path& file) {
    const RowEncoding encoding{options, settings.tokenizer, labels,
                               (file.empty() ? options.train : file).string()};
    return make_set(functions, std::move(part), encoding, settings.threads);
  };
  TaskData data{labels.all(), options.unanswerable == "true",
                encode(std::move(rows.train), options.train),
                encode(std::move(rows.validation), options.validation),
                encode(std::move(rows.test), options.test)};
  require_sequences(options.train, data.train.rows, data.train.sequences.size());
  require_sequences(options.validation.empty() ? options.train : options.validation,
                    data.validation.rows, data.validation.sequences.size());
  return data;
}

// The rows of a file, a block at a time.
template <class Row>
class FileBlocks {
 public:
  FileBlocks(const RowFunctions<Row>& functions, const EncodingSettings& settings,
             LabelledTaskDefinition::File file)
      : functions_(functions),
        settings_(settings),
        file_(std::move(file)),
        labels_(file_.label_names),
        next_(functions.open(file_.path, settings.options, file_.labelled)) {}

  std::optional<ExampleSet> next() {
    if (ended_) return std::nullopt;
    auto rows = read();
    if (rows.empty()) return std::nullopt;
    const RowEncoding encoding{settings_.options, settings_.tokenizer, labels_, file_.path.string(),
                               file_.labelled};
    return make_set(functions_, std::move(rows), encoding, settings_.threads);
  }

 private:
  std::vector<Row> read() {
    std::vector<Row> rows;
    for (std::size_t bytes = 0; !full(rows.size(), bytes);) {
      auto row = next_();
      if (!row) {
        ended_ = true;
        break;
      }
      bytes += functions_.bytes(*row);
      rows.push_back(std::move(*row));
    }
    return rows;
  }
  bool full(std::size_t rows, std::size_t bytes) const {
    const auto& most = file_.at_once;
    if (most.rows == 0) return false;
    return rows == most.rows || (rows > 0 && rows % most.step == 0 && bytes >= most.bytes);
  }

  RowFunctions<Row> functions_;
  EncodingSettings settings_;
  LabelledTaskDefinition::File file_;
  LabelNames labels_;
  RowSource<Row> next_;
  bool ended_ = false;
};

}  // namespace detail

// Completes `definition` (its plain fields are set) with the functions of its rows.
template <class Row>
LabelledTaskDefinition make_definition(LabelledTaskDefinition definition,
                                       const RowFunctions<Row>& functions) {
  definition.load = [plain = definition, functions](const EncodingSettings& settings) {
    return detail::load(plain, functions, settings);
  };
  definition.open = [functions](const EncodingSettings& settings,
                                const LabelledTaskDefinition::File& file) {
    const auto blocks = std::make_shared<detail::FileBlocks<Row>>(functions, settings, file);
    return [blocks] { return blocks->next(); };
  };
  return definition;
}

}  // namespace bertha
