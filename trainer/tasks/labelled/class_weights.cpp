// Counts labels.
#include "trainer/tasks/labelled/class_weights.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

std::vector<double> class_weights(const std::string& name,
                                  const std::vector<EncodedExample>& examples,
                                  std::int64_t classes) {
  if (name == "none") return {};
  if (name != "balanced") {
    throw Error(ErrorKind::usage,
                fmt::format("task.class_weights = '{}': expected none or balanced", name));
  }
  std::vector<double> counts(static_cast<std::size_t>(classes));
  double all = 0;
  for (const auto& example : examples) {
    for (const auto label : example.labels) {
      if (label < 0) continue;
      counts.at(static_cast<std::size_t>(label)) += 1;
      all += 1;
    }
  }
  const auto there = static_cast<double>(
      std::count_if(counts.begin(), counts.end(), [](double count) { return count > 0; }));
  std::vector<double> weights;
  for (const auto count : counts) weights.push_back(count > 0 ? all / (there * count) : 1);
  return weights;
}

}  // namespace bertha
