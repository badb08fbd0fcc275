// The report of one or several runs: one HTML page with everything in it, no network needed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bertha {

// The page. A run is a folder with metrics.jsonl; resolved.ini and scores.json are used where they
// are there. Several runs are drawn over each other, with a table of the options that differ.
// Error{io} when a metrics.jsonl cannot be read.
std::string render_report(const std::vector<std::filesystem::path>& runs);

}  // namespace bertha
