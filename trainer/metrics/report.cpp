// Puts the page together.
#include "trainer/metrics/report.h"

#include <fmt/format.h>

#include "trainer/metrics/report_charts.h"
#include "trainer/metrics/report_data.h"
#include "trainer/metrics/report_errors.h"
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
  ReportPage page{page_title(runs), "run report", {}, {}};
  page.body = "<section>\n" + summary_table(runs) + "</section>\n";
  const bool charts = !report_charts(runs).empty();
  page.body += charts ? std::string(kChartSection)
                      : "<section><p class=\"quiet\">There are no curves yet.</p></section>\n";
  page.body +=
      score_section(runs) + error_section(runs) + option_section(runs) + note_section(runs);
  if (charts) page.chart_data = charts_json(runs);
  return html_page(page);
}

}  // namespace bertha
