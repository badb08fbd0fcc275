// Tables of the report.
#include "trainer/metrics/report_tables.h"

#include <fmt/format.h>

#include "trainer/metrics/run_facts.h"

namespace bertha {
namespace {

std::string cell(std::string_view text) {
  return fmt::format("<td>{}</td>", escape_html(text));
}

std::string run_heads(const std::vector<ReportRun>& runs) {
  std::string heads = "<tr><td></td>";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    heads += fmt::format("<th scope=\"col\"><i class=\"dot c{}\"></i>{}</th>", i % 8,
                         escape_html(runs[i].name));
  }
  return heads + "</tr>";
}

std::string table(const std::string& name, const std::string& head, const std::string& body) {
  return fmt::format(
             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>",
             name) +
         (head.empty() ? "" : "<thead>" + head + "</thead>") + "<tbody>" + body +
         "</tbody></table></div>\n";
}

std::string score_table(const ScoreTable& scores) {
  std::string head = "<tr><td></td>";
  for (const auto& column : scores.columns) {
    head += fmt::format("<th scope=\"col\">{}</th>", escape_html(column));
  }
  std::string body;
  for (const auto& row : scores.rows) {
    body += fmt::format("<tr{}><th scope=\"row\">{}{}</th>", row.best ? " class=\"best\"" : "",
                        escape_html(row.label), row.best ? " (best, kept)" : "");
    for (std::size_t i = 0; i < scores.columns.size(); ++i) {
      body += cell(i < row.values.size() ? row.values[i] : "");
    }
    body += "</tr>";
  }
  std::string notes;
  for (const auto& note : scores.notes) notes += "<p class=\"quiet\">" + escape_html(note) + "</p>";
  return table("Scores", head + "</tr>", body) + notes;
}

void add_note(std::string& notes, const ReportRun& run, const std::string& text) {
  notes += fmt::format("<li><b>{}</b>: {}</li>", escape_html(run.name), escape_html(text));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::string summary_table(const std::vector<ReportRun>& runs) {
  std::string body, list;
  for (const auto& fact : run_facts()) {
    std::string cells;
    bool any = false;
    for (const auto& run : runs) {
      const auto text = fact.text(run);
      any |= !text.empty();
      cells += cell(text);
      list += text.empty() ? ""
                           : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", fact.label,
                                         escape_html(text));
    }
    if (any) body += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>", fact.label, cells);
  }
  if (runs.size() == 1) return "<dl>\n" + list + "</dl>\n";
  return table("Summary", run_heads(runs), body);
}

std::string score_section(const std::vector<ReportRun>& runs) {
  std::string section;
  for (const auto& run : runs) {
    if (run.scores.columns.empty()) continue;
    if (runs.size() > 1) section += "<h3>" + escape_html(run.name) + "</h3>\n";
    section += score_table(run.scores);
  }
  return section.empty() ? section : "<section><h2>Scores</h2>\n" + section + "</section>\n";
}

std::string option_section(const std::vector<ReportRun>& runs) {
  std::string body;
  if (runs.size() == 1) {
    for (const auto& [name, value] : runs.front().options) {
      body += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>", escape_html(name), cell(value));
    }
    if (body.empty()) return {};
    return "<section><details><summary>All options</summary>\n" + table("All options", "", body) +
           "</details></section>\n";
  }
  for (const auto& name : differing_options(runs)) {
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(name));
    for (const auto& run : runs) body += cell(run.option(name));
    body += "</tr>";
  }
  if (body.empty()) return "<section><p class=\"quiet\">All options are the same.</p></section>\n";
  return "<section><h2>Options that differ</h2>\n" +
         table("Options that differ", run_heads(runs), body) + "</section>\n";
}

std::string note_section(const std::vector<ReportRun>& runs) {
  constexpr int kMostWarnings = 20;
  std::string notes;
  for (const auto& run : runs) {
    int warnings = 0;
    for (const auto& marker : run.metrics.markers) {
      if (marker.kind != "warning" || ++warnings > kMostWarnings) continue;
      add_note(notes, run, fmt::format("step {}: {}", marker.step, marker.text));
    }
    for (const auto& problem : run.problems) add_note(notes, run, problem);
    if (run.metrics.malformed_lines > 0) {
      add_note(notes, run,
               fmt::format("{} line(s) of metrics.jsonl could not be read and were skipped.",
                           run.metrics.malformed_lines));
    }
    if (run.metrics.superseded_lines > 0) {
      add_note(notes, run,
               fmt::format("{} line(s) are of steps that were trained again after a resume; the "
                           "later ones are shown.",
                           run.metrics.superseded_lines));
    }
  }
  if (notes.empty()) return notes;
  return "<section><h2>Notes</h2>\n<ul class=\"notes\">" + notes + "</ul></section>\n";
}

}  // namespace bertha
