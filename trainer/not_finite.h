// The end of a run whose loss or gradient is not a finite number: where it began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "data_pipeline/batch.h"
#include "parallel/bucket_plan.h"
#include "parallel/communicator.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// How users know the samples of these numbers: all, or the first `most` and how many more. Never
// throws.
using SampleNames =
    std::function<std::string(const std::vector<std::uint64_t>& numbers, std::size_t most)>;

struct NotFiniteStep {
  std::int64_t step = 0;                 // finished ones
  int broken_rank = -1;                  // the first whose loss is not finite; -1: all losses are
  FlatRange summed;                      // where this rank's gradient is the sum; all ranks': all
  std::span<const Batch> micro_batches;  // this rank's
  std::span<const at::Tensor> sums;      // of each of them
  SampleNames names = {};                // null: their numbers
  std::string given_up = {};             // LossScaler::given_up(), with fp16
};

// Collective, with the summed gradient in the spaces: throws Error{internal} with one text on all
// ranks, which names the step, the first parameter, and the samples of the rank whose loss broke,
// or a few of every rank when no loss did.
[[noreturn]] void throw_not_finite(Communicator& communicator, const ParameterSpace& space,
                                   const NotFiniteStep& what);

}  // namespace bertha
