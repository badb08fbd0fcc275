// Cuts one list of examples into training, validation and test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

struct SplitPlaces {
  std::vector<std::size_t> train, validation, test;  // places in the list, ascending
};

struct SplitFractions {
  double validation = 0, test = 0;  // of all examples
};

// Seeded, and stratified by `strata` (one for each example; all alike: not stratified); every
// stratum keeps at least one example in train. Error{usage}: fractions that are no fractions or
// leave nothing.
SplitPlaces split_places(const std::vector<std::string>& strata, const SplitFractions& fractions,
                         std::uint64_t seed);

// The same of whole groups: examples whose `groups` are equal come into one split, and fractions
// are of the number of groups. A group's stratum are the different ones of its examples.
SplitPlaces split_groups(const std::vector<std::string_view>& groups,
                         const std::vector<std::string>& strata, const SplitFractions& fractions,
                         std::uint64_t seed);

}  // namespace bertha
