// What the report's summary says of a run: a line of text per fact.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trainer/metrics/report_data.h"

namespace bertha {

struct RunFact {
  std::string label;
  std::function<std::string(const ReportRun&)> text;  // empty: not known of this run
};

// In the order of the table.
std::vector<RunFact> run_facts();

}  // namespace bertha
