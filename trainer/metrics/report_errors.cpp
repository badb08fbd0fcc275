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

using Class = TestErrors::Class;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}
double precision(const Class& one) {
  return share(one.found, one.found + one.wrongly_given);
}
double recall(const Class& one) {
  return share(one.found, one.found + one.missed);
}
double f1(const Class& one) {
  return share(2 * one.found, 2 * one.found + one.missed + one.wrongly_given);
}

std::vector<Class> classes_of(const std::vector<std::vector<std::uint64_t>>& counts) {
  std::vector<Class> classes(counts.size());
  for (std::size_t truth = 0; truth < counts.size(); ++truth) {
    for (std::size_t guess = 0; guess < counts.size(); ++guess) {
      if (truth == guess) {
        classes[truth].found = counts[truth][guess];
      } else {
        classes[truth].missed += counts[truth][guess];
        classes[guess].wrongly_given += counts[truth][guess];
      }
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

std::string heads(const std::vector<std::string>& names) {
  std::string cells;
  for (const auto& name : names) {
    cells += fmt::format("<th scope=\"col\">{}</th>", escape_html(name));
  }
  return cells;
}

std::string matrix_table(const TestErrors& errors) {
  auto rows = "<thead><tr><th scope=\"col\">label \\ predicted</th>" + heads(errors.labels) +
              "</tr></thead><tbody>\n";
  for (std::size_t truth = 0; truth < errors.counts.size(); ++truth) {
    const auto& one = errors.classes[truth];
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(errors.labels[truth]));
    for (std::size_t guess = 0; guess < errors.counts.size(); ++guess) {
      const auto count = errors.counts[truth][guess];
      rows +=
          fmt::format("<td class=\"{}\" style=\"--share:{:.3f}\">{}</td>",
                      truth == guess ? "right heat" : "wrong", share(count, one.found + one.missed),
                      short_number(static_cast<double>(count)));
    }
    rows += "</tr>\n";
  }
  return table("matrix", "Confusion matrix of the test split", rows + "</tbody>");
}

// Where a text may have several labels, each has a confusion of its own.
std::string class_table(const TestErrors& errors) {
  const bool several = errors.counts.empty();
  auto rows =
      "<thead><tr><td></td>" +
      heads(several ? std::vector<std::string>{"examples", "found", "missed", "wrongly given"}
                    : std::vector<std::string>{"examples"}) +
      heads({"precision", "recall", "F1"}) + "</tr></thead><tbody>\n";
  const auto number = [](std::uint64_t count) {
    return fmt::format("<td>{}</td>", short_number(static_cast<double>(count)));
  };
  for (std::size_t i = 0; i < errors.classes.size(); ++i) {
    const auto& one = errors.classes[i];
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(errors.labels[i])) +
            number(one.found + one.missed);
    if (several) rows += number(one.found) + number(one.missed) + number(one.wrongly_given);
    rows += fmt::format("<td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td></tr>\n", precision(one),
                        recall(one), f1(one));
  }
  return table("matrix", several ? "Scores per label" : "Scores per class", rows + "</tbody>");
}

std::string worst_table(const TestErrors& errors) {
  const auto measure = errors.measure == "f1"      ? "F1 of the answer"
                       : errors.measure == "error" ? "error"
                                                   : "probability of the label";
  auto rows =
      "<thead><tr>" + heads({"text", "label", "predicted", measure}) + "</tr></thead><tbody>\n";
  for (const auto& example : errors.worst) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3g}</td></tr>\n",
                        escape_html(example.text), escape_html(example.label),
                        escape_html(example.predicted), example.value);
  }
  return table("texts", "Worst errors of the test split", rows + "</tbody>");
}

using Counts = std::vector<std::vector<std::uint64_t>>;

// Rows of `size` whole numbers, as many as that.
Counts parse_counts(const nlohmann::json& json, std::size_t size) {
  Counts counts;
  for (const auto& row : json) {
    auto& numbers = counts.emplace_back();
    for (const auto& count : row) {
      if (!count.is_number_unsigned()) throw std::length_error("a count is no whole number");
      numbers.push_back(count.get<std::uint64_t>());
    }
    if (numbers.size() != size) break;
  }
  if (counts.size() != size || (size > 0 && counts.back().size() != size)) {
    throw std::length_error("the confusion matrix does not fit its labels");
  }
  return counts;
}

}  // namespace

TestErrors parse_test_errors(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  TestErrors errors;
  const auto labels_of = [](const nlohmann::json& part) {
    return part.at("labels").get<std::vector<std::string>>();
  };
  if (const auto matrix = json.find("confusion_matrix"); matrix != json.end()) {
    errors.labels = labels_of(*matrix);
    errors.counts = parse_counts(matrix->at("counts"), errors.labels.size());
    errors.classes = classes_of(errors.counts);
  } else if (const auto labels = json.find("label_counts"); labels != json.end()) {
    errors.labels = labels_of(*labels);
    for (const auto& of_label : labels->at("counts")) {
      const auto counts = parse_counts(of_label, 2);
      errors.classes.push_back({counts[1][1], counts[1][0], counts[0][1]});
    }
    if (errors.classes.size() != errors.labels.size()) {
      throw std::length_error("the counts do not fit their labels");
    }
  }
  for (const auto& entry : json.value("worst_errors", nlohmann::json::array())) {
    if (errors.worst.size() == kMostErrors) break;
    for (const char* measure : {"f1", "error"}) {
      if (entry.contains(measure)) errors.measure = measure;
    }
    errors.worst.push_back(
        {entry.at("text"), entry.at("label"), entry.at("predicted"), entry.at(errors.measure)});
  }
  return errors;
}

std::string error_section(const std::vector<ReportRun>& runs) {
  std::string section;
  for (const auto& run : runs) {
    const auto& errors = run.errors;
    if (errors.labels.empty() && errors.worst.empty()) continue;
    if (runs.size() > 1) section += "<h3>" + escape_html(run.name) + "</h3>\n";
    if (!errors.classes.empty()) {
      const bool shown = !errors.counts.empty() && errors.counts.size() <= kMostClasses;
      section += "<div class=\"side\">" + (shown ? matrix_table(errors) : std::string()) +
                 class_table(errors) + "</div>\n";
    }
    if (!errors.worst.empty()) section += worst_table(errors);
  }
  return section.empty() ? section : "<section><h2>Errors</h2>\n" + section + "</section>\n";
}

}  // namespace bertha
