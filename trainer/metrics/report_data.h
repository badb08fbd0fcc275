// What the report knows of a run folder: metrics, options, fine-tuning scores.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/metrics_reader.h"

namespace bertha {

// scores.json of a fine-tuning run, as a table.
struct ScoreTable {
  struct Row {
    std::string label;                // "epoch 2", "test"
    std::vector<std::string> values;  // by column; empty: none
    bool best = false;
  };
  std::vector<std::string> columns;  // "loss", "accuracy"
  std::vector<Row> rows;
  std::vector<std::string> notes;  // example counts, labels
};

// test_errors.json of a fine-tuning run.
struct TestErrors {
  struct Example {
    std::string text, label, predicted;
    double value = 0;  // what `measure` says
  };
  struct Class {
    std::uint64_t found = 0, missed = 0, wrongly_given = 0;
  };
  std::vector<std::string> labels;
  std::vector<std::vector<std::uint64_t>>
      counts;                           // [true][predicted]; empty: several labels a text
  std::vector<Class> classes;           // by label
  std::string measure = "probability";  // of the right label; or "f1", or "error"
  std::vector<Example> worst;
};

struct ReportRun {
  std::string name;  // of the folder; more of the path where several runs share it
  RunMetrics metrics;
  std::map<std::string, std::string> options;  // "section.name" of resolved.ini
  ScoreTable scores;                           // no columns: not a fine-tuning run
  TestErrors errors;                           // likewise empty
  std::vector<std::string> problems;           // files that could not be understood

  // Empty text, or null, where there is none.
  std::string option(const std::string& option_name) const;
  std::string session(const std::string& field) const;
  const Downsampler* curve(const std::string& curve_name) const;
};

// Error{io} when a run's metrics.jsonl cannot be read; anything else that is wrong is a problem of
// that run, told on the page.
std::vector<ReportRun> read_runs(const std::vector<std::filesystem::path>& folders);

// "section.name" -> value; repeated names are joined by ", ". Lines that are neither are left out.
std::map<std::string, std::string> parse_ini(const std::string& text);

// scores.json as a table. Throws nlohmann's exceptions for other content.
ScoreTable parse_scores(const std::string& json);

// Names whose values are not the same in all runs (the output folder aside), in order.
std::vector<std::string> differing_options(const std::vector<ReportRun>& runs);

// "1.23e-05", "0.8125", "12 345": for tables.
std::string short_number(double value);

}  // namespace bertha
