// Head, header and foot of the reports, and their bars.
#include "trainer/metrics/report_page.h"

#include <algorithm>

#include <fmt/format.h>

#include "trainer/metrics/report_tables.h"

namespace bertha {

std::string html_page(const ReportPage& page) {
  const auto title = escape_html(page.title);
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  html += fmt::format("<title>{} - Bertha</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
                      title, report_style());
  html += fmt::format("<header><p class=\"quiet\">Bertha {}</p><h1>{}</h1></header>\n",
                      escape_html(page.kind), title);
  html += page.body + "</main>\n";
  if (!page.chart_data.empty()) {
    html += "<script type=\"application/json\" id=\"data\">" + page.chart_data + "</script>\n";
    html += fmt::format("<script>\n{}{}</script>\n", report_script_of_curves(),
                        report_script_of_charts());
  }
  return html + "</body>\n</html>\n";
}

std::string html_bars(const BarTable& table) {
  double most = 0;
  for (const auto& row : table.rows) most = std::max(most, row.count);
  auto html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table "
      "class=\"bars\">"
      "<caption>{0}</caption><thead><tr><th scope=\"col\">{1}</th><th "
      "scope=\"col\">{2}</th><td></td>"
      "</tr></thead><tbody>\n",
      escape_html(table.caption), escape_html(table.label_head), escape_html(table.count_head));
  for (const auto& row : table.rows) {
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td aria-hidden=\"true\"><i class=\"bar\" "
        "style=\"width:{:.1f}%\"></i></td></tr>\n",
        escape_html(row.label), escape_html(row.text), most > 0 ? 100 * row.count / most : 0);
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace bertha
