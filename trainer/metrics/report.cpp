// Puts the page together.
#include "trainer/metrics/report.h"

#include <fmt/format.h>

#include "trainer/metrics/report_charts.h"
#include "trainer/metrics/report_data.h"
#include "trainer/metrics/report_page.h"
#include "trainer/metrics/report_tables.h"

namespace bertha {
namespace {

constexpr std::string_view kChartSection = R"html(<section id="curves">
<h2>Curves</h2>
<div class="tools">
<div id="legend"></div>
<label>Smoothing <input id="smoothing" type="range" min="0" max="0.98" step="0.02" value="0">
<output id="smoothing-value">0</output></label>
</div>
<noscript><p>The curves are drawn by a script in this page, and scripts are off here.</p></noscript>
<div id="charts"></div>
<p class="quiet" id="marks"></p>
</section>
)html";

std::string page_title(const std::vector<ReportRun>& runs) {
  if (runs.size() == 1) return runs.front().name;
  return fmt::format("{} runs compared", runs.size());
}

}  // namespace

std::string render_report(const std::vector<std::filesystem::path>& folders) {
  const auto runs = read_runs(folders);
  const auto title = escape_html(page_title(runs));
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  page += fmt::format("<title>{} - Bertha</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
                      title, report_style());
  page +=
      fmt::format("<header><p class=\"quiet\">Bertha run report</p><h1>{}</h1></header>\n", title);
  page += "<section>\n" + summary_table(runs) + "</section>\n";
  const bool charts = !report_charts(runs).empty();
  page += charts ? std::string(kChartSection)
                 : "<section><p class=\"quiet\">There are no curves yet.</p></section>\n";
  page += score_section(runs) + option_section(runs) + note_section(runs) + "</main>\n";
  if (charts) {
    page += "<script type=\"application/json\" id=\"data\">" + charts_json(runs) + "</script>\n";
    page += fmt::format("<script>\n{}</script>\n", report_script());
  }
  return page + "</body>\n</html>\n";
}

}  // namespace bertha
