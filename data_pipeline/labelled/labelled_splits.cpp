// A quota for each split, dealt out stratum by stratum.
#include "data_pipeline/labelled/labelled_splits.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "parallel/base/error.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

enum Split : unsigned char { kTrain, kValidation, kTest };

// How many of all examples a split has, dealt out stratum by stratum: rounding is carried over,
// so the total is right and each stratum's share nearly so.
class Quota {
 public:
  Quota(double fraction, std::size_t examples) : fraction_(fraction) {
    least_ = fraction > 0 && examples > 2 ? 1 : 0;
    const auto all = std::llround(fraction * static_cast<double>(examples));
    total_ = std::max(least_, static_cast<std::size_t>(all));
  }
  // Of the next stratum, which has `examples`, of which `free` may go.
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

void check_fractions(const SplitFractions& fractions) {
  const auto [validation, test] = fractions;
  if (validation >= 0 && test >= 0 && validation + test < 1) return;  // false for NaN
  throw Error(ErrorKind::usage,
              fmt::format("task.validation_fraction {} and task.test_fraction {} leave nothing to "
                          "train on, or are no fractions",
                          validation, test),
              "both are at least 0 and together below 1");
}

}  // namespace

SplitPlaces split_places(const std::vector<std::string>& strata, const SplitFractions& fractions,
                         std::uint64_t seed) {
  check_fractions(fractions);
  std::map<std::string, std::vector<std::size_t>> by_stratum;
  for (std::size_t i = 0; i < strata.size(); ++i) by_stratum[strata[i]].push_back(i);
  std::vector<unsigned char> split(strata.size(), kTrain);
  Quota validation(fractions.validation, strata.size()), test(fractions.test, strata.size());
  Philox random(seed, RandomPurpose::labelled_split, 0);
  for (auto& [stratum, members] : by_stratum) {
    for (std::size_t i = 0; i + 1 < members.size(); ++i) {
      std::swap(members[i],
                members[i + static_cast<std::size_t>(random.next_below(members.size() - i))]);
    }
    const auto to_validate = validation.take(members.size(), members.size() - 1);
    const auto to_test = test.take(members.size(), members.size() - 1 - to_validate);
    for (std::size_t i = 0; i < to_validate; ++i) split[members[i]] = kValidation;
    for (std::size_t i = 0; i < to_test; ++i) split[members[to_validate + i]] = kTest;
  }
  SplitPlaces places;
  for (std::size_t i = 0; i < strata.size(); ++i) {
    auto& part = split[i] == kTrain        ? places.train
                 : split[i] == kValidation ? places.validation
                                           : places.test;
    part.push_back(i);
  }
  return places;
}

SplitPlaces split_groups(const std::vector<std::string_view>& groups,
                         const std::vector<std::string>& strata, const SplitFractions& fractions,
                         std::uint64_t seed) {
  std::unordered_map<std::string_view, std::size_t> numbers;  // by name, in order of appearance
  std::vector<std::vector<std::size_t>> members;
  std::vector<std::set<std::string>> strata_of;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto number = numbers.emplace(groups[i], numbers.size()).first->second;
    if (number == members.size()) {
      members.emplace_back();
      strata_of.emplace_back();
    }
    members[number].push_back(i);
    strata_of[number].insert(strata[i]);
  }
  std::vector<std::string> group_strata;
  for (const auto& names : strata_of)
    group_strata.push_back(fmt::format("{}", fmt::join(names, " ")));
  const auto chosen = split_places(group_strata, fractions, seed);
  const auto examples_of = [&](const std::vector<std::size_t>& places) {
    std::vector<std::size_t> examples;
    for (const auto place : places) {
      examples.insert(examples.end(), members[place].begin(), members[place].end());
    }
    std::sort(examples.begin(), examples.end());
    return examples;
  };
  return {examples_of(chosen.train), examples_of(chosen.validation), examples_of(chosen.test)};
}

}  // namespace bertha
