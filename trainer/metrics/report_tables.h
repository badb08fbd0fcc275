// The report's tables as HTML; every text of the runs is escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trainer/metrics/report_data.h"

namespace bertha {

std::string escape_html(std::string_view text);

// What ran and how far it came: a list for one run, a column per run for several.
std::string summary_table(const std::vector<ReportRun>& runs);
// Scores by epoch and of the test split; empty for runs that have none.
std::string score_section(const std::vector<ReportRun>& runs);
// For several runs: the options that differ. For one: all of them, folded.
std::string option_section(const std::vector<ReportRun>& runs);
// Warnings of the runs, skipped lines, files that could not be read; empty when there are none.
std::string note_section(const std::vector<ReportRun>& runs);

}  // namespace bertha
