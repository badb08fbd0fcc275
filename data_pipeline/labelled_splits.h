// Cuts one list of examples into training, validation and test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bertha {

struct SplitPlaces {
  std::vector<std::size_t> train, validation, test;  // places in the list, ascending
};

// Seeded, and stratified by `strata` (one for each example; all alike: not stratified); every
// stratum keeps at least one example in train. Error{usage}: fractions that are no fractions or
// leave nothing.
SplitPlaces split_places(const std::vector<std::string>& strata, double validation_fraction,
                         double test_fraction, std::uint64_t seed);

}  // namespace bertha
