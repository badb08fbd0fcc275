// Which parameters decay, and the part of the flat space that each of them takes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/bucket_plan.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// False for biases and LayerNorm parameters, by Hugging Face's names.
bool decays(std::string_view parameter_name);

// A parameter's elements inside `owned`, as a range of the flat space.
struct ParameterPart {
  std::size_t parameter = 0;  // its number in the space
  FlatRange range;
  bool decays = false;
  bool whole = true;  // nothing of it lies outside `owned`
  double rate = 1;    // times the learning rate
};
std::vector<ParameterPart> parameter_parts(const ParameterSpace& space, FlatRange owned);

// Neighbours of equal decay and rate joined, with the gaps between them. Ascending.
struct DecayRun {
  FlatRange range;
  bool decays = false;
  double rate = 1;
  bool operator==(const DecayRun&) const = default;
};
std::vector<DecayRun> decay_runs(const ParameterSpace& space, FlatRange owned);

}  // namespace bertha
