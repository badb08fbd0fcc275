// Tables of a test split's errors.
#include "trainer/metrics/report_errors.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trainer/metrics/report_tables.h"

namespace bertha {
namespace {

constexpr std::size_t kMostClasses = 40, kMostErrors = 100;

// Of one class.
struct ClassCounts {
  std::uint64_t right = 0, with_label = 0, predicted = 0;
  double precision() const { return share(right, predicted); }
  double recall() const { return share(right, with_label); }
  double f1() const { return share(2 * right, with_label + predicted); }

  static double share(std::uint64_t part, std::uint64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
};

std::vector<ClassCounts> class_counts(const TestErrors& errors) {
  std::vector<ClassCounts> classes(errors.labels.size());
  for (std::size_t truth = 0; truth < classes.size(); ++truth) {
    for (std::size_t guess = 0; guess < classes.size(); ++guess) {
      const auto count = errors.counts[truth][guess];
      classes[truth].with_label += count;
      classes[guess].predicted += count;
      if (truth == guess) classes[truth].right += count;
    }
  }
  return classes;
}

std::string table(const std::string& style, const std::string& caption, const std::string& rows) {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{1}\"><table "
      "class=\"{0}\"><caption>{1}</caption>{2}</table></div>\n",
      style, caption, rows);
}

std::string matrix_table(const TestErrors& errors, const std::vector<ClassCounts>& classes) {
  std::string rows = "<thead><tr><th scope=\"col\">label \\ predicted</th>";
  for (const auto& label : errors.labels) {
    rows += fmt::format("<th scope=\"col\">{}</th>", escape_html(label));
  }
  rows += "</tr></thead><tbody>\n";
  for (std::size_t truth = 0; truth < classes.size(); ++truth) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(errors.labels[truth]));
    for (std::size_t guess = 0; guess < classes.size(); ++guess) {
      const auto count = errors.counts[truth][guess];
      rows += fmt::format("<td class=\"{}\" style=\"--share:{:.3f}\">{}</td>",
                          truth == guess ? "right heat" : "wrong",
                          ClassCounts::share(count, classes[truth].with_label),
                          short_number(static_cast<double>(count)));
    }
    rows += "</tr>\n";
  }
  return table("matrix", "Confusion matrix of the test split", rows + "</tbody>");
}

std::string class_table(const TestErrors& errors, const std::vector<ClassCounts>& classes) {
  std::string rows = "<thead><tr><td></td>";
  for (const char* head : {"examples", "precision", "recall", "F1"}) {
    rows += fmt::format("<th scope=\"col\">{}</th>", head);
  }
  rows += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < classes.size(); ++i) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td></tr>"
        "\n",
        escape_html(errors.labels[i]), short_number(static_cast<double>(classes[i].with_label)),
        classes[i].precision(), classes[i].recall(), classes[i].f1());
  }
  return table("matrix", "Scores per class", rows + "</tbody>");
}

std::string worst_table(const TestErrors& errors) {
  std::string rows =
      "<thead><tr><th scope=\"col\">text</th><th scope=\"col\">label</th>"
      "<th scope=\"col\">predicted</th><th scope=\"col\">probability of the label</th></tr></thead>"
      "<tbody>\n";
  for (const auto& example : errors.worst) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3g}</td></tr>\n",
                        escape_html(example.text), escape_html(example.label),
                        escape_html(example.predicted), example.probability);
  }
  return table("texts", "Worst errors of the test split", rows + "</tbody>");
}

}  // namespace

TestErrors parse_test_errors(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  TestErrors errors;
  if (const auto matrix = json.find("confusion_matrix"); matrix != json.end()) {
    errors.labels = matrix->at("labels").get<std::vector<std::string>>();
    for (const auto& row : matrix->at("counts")) {
      auto& counts = errors.counts.emplace_back();
      for (const auto& count : row) {
        if (!count.is_number_unsigned()) throw std::length_error("a count is no whole number");
        counts.push_back(count.get<std::uint64_t>());
      }
    }
    const auto size = errors.labels.size();
    const bool square = errors.counts.size() == size &&
                        std::all_of(errors.counts.begin(), errors.counts.end(),
                                    [&](const auto& row) { return row.size() == size; });
    if (!square) throw std::length_error("the confusion matrix does not fit its labels");
  }
  for (const auto& entry : json.value("worst_errors", nlohmann::json::array())) {
    if (errors.worst.size() == kMostErrors) break;
    errors.worst.push_back(
        {entry.at("text"), entry.at("label"), entry.at("predicted"), entry.at("probability")});
  }
  return errors;
}

std::string error_section(const std::vector<ReportRun>& runs) {
  std::string section;
  for (const auto& run : runs) {
    const auto& errors = run.errors;
    if (errors.labels.empty() && errors.worst.empty()) continue;
    if (runs.size() > 1) section += "<h3>" + escape_html(run.name) + "</h3>\n";
    const auto classes = class_counts(errors);
    if (!classes.empty()) {
      std::string tables = class_table(errors, classes);
      if (classes.size() <= kMostClasses) tables = matrix_table(errors, classes) + tables;
      section += "<div class=\"side\">" + tables + "</div>\n";
    }
    if (!errors.worst.empty()) section += worst_table(errors);
  }
  return section.empty() ? section : "<section><h2>Errors</h2>\n" + section + "</section>\n";
}

}  // namespace bertha
