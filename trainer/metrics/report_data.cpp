// Reading of run folders for the report.
#include "trainer/metrics/report_data.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/staged_output.h"
#include "trainer/metrics/report_errors.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
constexpr std::uintmax_t kLargestSmallFile = 4 << 20;
constexpr std::size_t kMostColumns = 30, kMostRows = 1000;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// "a/run" is "run", unless another run of the page is called that too.
std::vector<std::string> run_names(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  std::multiset<std::string> seen;
  for (const auto& folder : folders) {
    auto path = fs::absolute(folder).lexically_normal();
    if (path.filename().empty()) path = path.parent_path();
    names.push_back(path.filename().string());
    seen.insert(names.back());
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (seen.count(names[i]) > 1) names[i] = folders[i].string();
  }
  return names;
}

// Reads an optional file of the run and hands its text on; what goes wrong becomes a problem.
template <class Use>
void use_small_file(const fs::path& path, ReportRun& run, Use use) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  try {
    if (fs::file_size(path) > kLargestSmallFile) throw std::length_error("too large");
    use(read_file(path));
  } catch (const std::exception& problem) {
    run.problems.push_back(path.filename().string() + ": " + problem.what());
  }
}

void add_row(ScoreTable& table, std::string label, const Json& values, bool best) {
  if (!values.is_object() || table.rows.size() == kMostRows) return;
  ScoreTable::Row row{std::move(label), {}, best};
  for (const auto& [name, value] : values.items()) {
    if (name == "epoch" || !value.is_number()) continue;
    auto column = std::find(table.columns.begin(), table.columns.end(), name);
    if (column == table.columns.end()) {
      if (table.columns.size() == kMostColumns) continue;
      table.columns.push_back(name);
      column = table.columns.end() - 1;
    }
    const auto index = static_cast<std::size_t>(column - table.columns.begin());
    if (row.values.size() <= index) row.values.resize(index + 1);
    row.values[index] = fmt::format("{:.4f}", value.get<double>());
  }
  if (!row.values.empty()) table.rows.push_back(std::move(row));
}

void add_notes(ScoreTable& table, const Json& json) {
  if (const auto counts = json.find("examples"); counts != json.end() && counts->is_object()) {
    std::string note = "Examples: ";
    for (const auto& [split, count] : counts->items()) {
      note += (note.back() == ' ' ? "" : ", ") + split + " " + count.dump();
    }
    table.notes.push_back(note);
  }
  if (const auto labels = json.find("labels"); labels != json.end() && labels->is_array()) {
    std::string note = "Labels: ";
    for (std::size_t i = 0; i < labels->size() && i < 50; ++i) {
      if (!(*labels)[i].is_string()) continue;
      note += (i == 0 ? "" : ", ") + (*labels)[i].get<std::string>();
    }
    table.notes.push_back(note + (labels->size() > 50 ? ", ..." : ""));
  }
  if (const auto share = json.find("test_majority_share");
      share != json.end() && share->is_number()) {
    table.notes.push_back("Always answering the most frequent training label would score " +
                          fmt::format("{:.4f}", share->get<double>()) +
                          " accuracy on the test split.");
  }
}

}  // namespace

std::string ReportRun::option(const std::string& option_name) const {
  const auto found = options.find(option_name);
  return found == options.end() ? std::string() : found->second;
}

std::string ReportRun::session(const std::string& field) const {
  const auto found = metrics.session.find(field);
  return found == metrics.session.end() ? std::string() : found->second;
}

const Downsampler* ReportRun::curve(const std::string& curve_name) const {
  const auto found = metrics.curves.find(curve_name);
  return found == metrics.curves.end() ? nullptr : &found->second;
}

std::map<std::string, std::string> parse_ini(const std::string& text) {
  std::map<std::string, std::string> options;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    const auto content = trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[' && content.back() == ']') {
      section = std::string(content.substr(1, content.size() - 2)) + ".";
      continue;
    }
    const auto equals = content.find('=');
    if (equals == std::string_view::npos) continue;
    auto& value = options[section + std::string(trimmed(content.substr(0, equals)))];
    value += (value.empty() ? "" : ", ") + std::string(trimmed(content.substr(equals + 1)));
  }
  return options;
}

ScoreTable parse_scores(const std::string& json) {
  const auto scores = Json::parse(json);
  ScoreTable table;
  const auto best = scores.value("best_epoch", std::int64_t{-1});
  std::int64_t epoch = 0;
  for (const auto& entry : scores.at("validation").get_ref<const Json::array_t&>()) {
    ++epoch;
    add_row(table, fmt::format("epoch {}", epoch), entry, epoch == best);
  }
  if (const auto test = scores.find("test"); test != scores.end()) {
    add_row(table, "test", *test, false);
  }
  add_notes(table, scores);
  return table;
}

std::vector<ReportRun> read_runs(const std::vector<fs::path>& folders) {
  const auto names = run_names(folders);
  std::vector<ReportRun> runs;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    ReportRun run;
    run.name = names[i];
    run.metrics = read_metrics(folders[i] / "metrics.jsonl");
    use_small_file(folders[i] / "resolved.ini", run,
                   [&](const std::string& text) { run.options = parse_ini(text); });
    use_small_file(folders[i] / "scores.json", run,
                   [&](const std::string& text) { run.scores = parse_scores(text); });
    use_small_file(folders[i] / "test_errors.json", run,
                   [&](const std::string& text) { run.errors = parse_test_errors(text); });
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<std::string> differing_options(const std::vector<ReportRun>& runs) {
  std::set<std::string> names;
  for (const auto& run : runs) {
    for (const auto& [name, value] : run.options) names.insert(name);
  }
  names.erase("train.output");
  std::vector<std::string> differing;
  for (const auto& name : names) {
    std::set<std::string> values;
    for (const auto& run : runs) {
      const auto found = run.options.find(name);
      values.insert(found == run.options.end() ? std::string() : found->second);
    }
    if (values.size() > 1) differing.push_back(name);
  }
  return differing;
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return "-";
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    auto digits = fmt::format("{:.0f}", std::abs(value));
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, "\u2009");
    return (value < 0 ? "-" : "") + digits;
  }
  return fmt::format("{:.4g}", value);
}

}  // namespace bertha
