// The frame of every report: one HTML page without network, its style and its script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bertha {

std::string_view report_style();  // CSS
// JavaScript that draws the charts: one function in two parts, to be written one after the other.
std::string_view report_script_of_curves();
std::string_view report_script_of_charts();

struct ReportPage {
  std::string title, kind;  // texts: "run7", "run report"
  std::string body;         // HTML
  std::string chart_data;   // charts_json(); empty: no charts, no script
};
std::string html_page(const ReportPage& page);

// A table of counts with a bar each, readable without style or script.
struct BarRow {
  std::string label;
  double count = 0;
  std::string text;  // of the count
};
struct BarTable {
  std::string caption, label_head, count_head;
  std::vector<BarRow> rows;
};
std::string html_bars(const BarTable& table);

}  // namespace bertha
