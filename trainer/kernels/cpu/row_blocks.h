// Shares rows out to threads in blocks of a fixed size, so that sums over rows are taken in the
// same order whatever the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/kernels/cpu/vector_kernels.h"
#include "trainer/kernels/kernels.h"

namespace bertha {

inline constexpr std::int64_t kRowBlock = 64;

// Memory of this thread that lives on from call to call; contents are left over from the last one.
float* thread_scratch(std::int64_t floats);
// Memory for column sums of all blocks, set to zero. One caller at a time.
float* block_sums(std::int64_t floats);

// Memory for packed panels of a product. One caller at a time.
float* product_panels(std::int64_t floats);

RowMasks row_masks(const PackedRows& rows, std::int64_t columns, const FusedDropout& dropout);

inline std::int64_t row_blocks(std::int64_t rows) {
  return (rows + kRowBlock - 1) / kRowBlock;
}

// step(range, block number) for every block of rows.
template <class Step>
void for_row_blocks(std::int64_t rows, Step step) {
  const std::int64_t blocks = row_blocks(rows);
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) if (blocks > 1)
  for (std::int64_t block = 0; block < blocks; ++block) {
    step(Range{block * kRowBlock, std::min(rows, (block + 1) * kRowBlock)}, block);
  }
}

// Adds to each home its part of the sums [blocks][homes][columns]; null homes want nothing.
void add_block_sums(const float* sums, std::int64_t blocks, std::int64_t columns,
                    std::span<float* const> homes);

}  // namespace bertha
