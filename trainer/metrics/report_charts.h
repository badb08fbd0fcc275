// Which charts a report shows, and their data as JSON for the page's script.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/report_data.h"

namespace bertha {

struct Chart {
  std::string title;
  std::string format;  // number | percent
  // Label and curve name: {"train", "train/loss"}.
  std::vector<std::pair<std::string, std::string>> curves;
  bool smooth = true;      // the slider applies: noisy curves only
  bool from_zero = false;  // speeds and shares, where a cut axis would make much of little
  bool reference = false;  // draw the loss that word frequencies alone give
};

// Charts that at least one run has data for. Time by phase only for a single run: several would
// not be readable.
std::vector<Chart> report_charts(const std::vector<ReportRun>& runs);

// {"charts": [...], "runs": [{"name", "curves", "markers"}]}, safe inside a <script> element
// whatever the names hold.
std::string charts_json(const std::vector<ReportRun>& runs);

}  // namespace bertha
