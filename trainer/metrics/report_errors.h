// What a fine-tuned model gets wrong, out of a run's test_errors.json: confusion matrix, scores per
// class, the worst errors with their text.
#pragma once

#include <string>
#include <vector>

#include "trainer/metrics/report_data.h"

namespace bertha {

// Throws nlohmann's exceptions or std::length_error for content that is none.
TestErrors parse_test_errors(const std::string& json);

// HTML; empty where no run has any.
std::string error_section(const std::vector<ReportRun>& runs);

}  // namespace bertha
