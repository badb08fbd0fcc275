// Counted labels and sorted values.
#include "data_pipeline/labelled/labelled_strata.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::size_t kParts = 5, kRowsPerPart = 10;

using Counts = std::map<std::string, std::size_t>;

Counts rows_by_label(const std::vector<std::vector<std::string>>& labels_by_row) {
  Counts counts;
  for (const auto& labels : labels_by_row) {
    for (const auto& label : std::set<std::string>(labels.begin(), labels.end())) ++counts[label];
  }
  return counts;
}

// Names that sort by how rare a label is: what rounding has to give goes to the first strata.
// Labels of fewer than `least` rows do not count; of equally rare ones the first by name does.
std::string rarest(const std::vector<std::string>& labels, const Counts& counts,
                   std::size_t least) {
  std::string name = "none";  // behind all numbers
  for (const auto& label : labels) {
    const auto rows = counts.at(label);
    if (rows >= least) name = std::min(name, fmt::format("{:012} {}", rows, label));
  }
  return name;
}

}  // namespace

std::vector<std::string> label_strata(const std::vector<std::vector<std::string>>& labels_by_row) {
  const auto counts = rows_by_label(labels_by_row);
  const auto alone = std::count_if(labels_by_row.begin(), labels_by_row.end(), [&](auto& labels) {
    return std::any_of(labels.begin(), labels.end(),
                       [&](auto& label) { return counts.at(label) == 1; });
  });
  const std::size_t least = 2 * static_cast<std::size_t>(alone) > labels_by_row.size() ? 2 : 1;
  std::vector<std::string> strata;
  for (const auto& labels : labels_by_row) strata.push_back(rarest(labels, counts, least));
  return strata;
}

std::vector<std::string> value_strata(const std::vector<double>& values) {
  const auto parts = std::clamp<std::size_t>(values.size() / kRowsPerPart, 1, kParts);
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> strata;
  for (const auto value : values) {
    const auto smaller = static_cast<std::size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
    strata.push_back(std::to_string(smaller * parts / sorted.size()));
  }
  return strata;
}

}  // namespace bertha
