// Dropout multipliers a row at a time, for loops that want them while the row is in cache.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/kernels/kernels.h"

namespace bertha {

// One row's numbers; see dropout.cpp for their definition.
struct DropoutRow {
  std::uint32_t key0, key1, sample_low, sample_high;
  std::uint32_t drop_below;  // words under it are dropped
  float keep;                // multiplier of what stays
  std::int64_t columns;
};
using FillDropoutRow = void (*)(float* out, std::uint32_t row, const DropoutRow& numbers);

// Error{usage} for a rate outside [0, 1).
DropoutRow dropout_row(std::int64_t columns, const DropoutMaskJob& job);
std::vector<FillDropoutRow> fill_dropout_rows();  // all this CPU has, the fastest last
FillDropoutRow pick_fill_dropout_row();           // the fastest

}  // namespace bertha
