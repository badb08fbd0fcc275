// Cuts one list of examples into training, validation and test.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled_data.h"
#include "parallel/base/error.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

enum Split : unsigned char { kTrain, kValidation, kTest };

// How many of all examples a split has, dealt out label by label: rounding is carried over, so the
// total is right and each label's share nearly so.
class Quota {
 public:
  Quota(double fraction, std::size_t examples) : fraction_(fraction) {
    least_ = fraction > 0 && examples > 2 ? 1 : 0;
    const auto all = std::llround(fraction * static_cast<double>(examples));
    total_ = std::max(least_, static_cast<std::size_t>(all));
  }
  // Of the next label, which has `examples`, of which `free` may go.
  std::size_t take(std::size_t examples, std::size_t free) {
    seen_ += static_cast<double>(examples);
    const auto share = static_cast<std::size_t>(std::llround(fraction_ * seen_));
    const auto due = std::clamp(share, least_, total_);
    const auto taken = std::min(free, due - std::min(due, dealt_));
    dealt_ += taken;
    return taken;
  }

 private:
  double fraction_, seen_ = 0;
  std::size_t least_ = 0, total_ = 0, dealt_ = 0;
};

void check_fractions(double validation, double test) {
  if (validation >= 0 && test >= 0 && validation + test < 1) return;  // false for NaN
  throw Error(ErrorKind::usage,
              fmt::format("task.validation_fraction {} and task.test_fraction {} leave nothing to "
                          "train on, or are no fractions",
                          validation, test),
              "both are at least 0 and together below 1");
}

}  // namespace

LabelledSplits split_examples(std::vector<Example> all, double validation_fraction,
                              double test_fraction, std::uint64_t seed, bool stratify) {
  check_fractions(validation_fraction, test_fraction);
  std::map<std::string, std::vector<std::size_t>> by_label;
  for (std::size_t i = 0; i < all.size(); ++i) {
    by_label[stratify ? all[i].label : std::string()].push_back(i);
  }
  std::vector<unsigned char> split(all.size(), kTrain);
  Quota validation(validation_fraction, all.size()), test(test_fraction, all.size());
  Philox random(seed, RandomPurpose::labelled_split, 0);
  for (auto& [label, members] : by_label) {
    for (std::size_t i = 0; i + 1 < members.size(); ++i) {
      std::swap(members[i],
                members[i + static_cast<std::size_t>(random.next_below(members.size() - i))]);
    }
    const auto to_validate = validation.take(members.size(), members.size() - 1);
    const auto to_test = test.take(members.size(), members.size() - 1 - to_validate);
    for (std::size_t i = 0; i < to_validate; ++i) split[members[i]] = kValidation;
    for (std::size_t i = 0; i < to_test; ++i) split[members[to_validate + i]] = kTest;
  }
  LabelledSplits splits;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& part = split[i] == kTrain        ? splits.train
                 : split[i] == kValidation ? splits.validation
                                           : splits.test;
    part.push_back(std::move(all[i]));
  }
  return splits;
}

}  // namespace bertha
