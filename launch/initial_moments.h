// Moments that a second phase goes on with.
#pragma once

#include <cstdint>
#include <filesystem>

#include "trainer/model/parameter_space.h"
#include "trainer/optim/optimizer.h"

namespace bertha {

// Fills `optimizer` with the moments of a checkpoint or run. Returns how many updates they have
// seen. Error{usage}: `from`, as train.init, is a model without them.
std::int64_t load_initial_moments(const std::filesystem::path& from, const ParameterSpace& space,
                                  Optimizer& optimizer);

}  // namespace bertha
