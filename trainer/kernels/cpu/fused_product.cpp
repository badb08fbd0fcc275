// Blocked matrix products in fp32 (the order of loops is that of Goto & van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008). Every element of the result is summed in the same
// order on any number of threads, which MKL does not promise.
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha {
namespace {

constexpr std::int64_t kDepth = 192;            // a panel of it fits the first cache
constexpr std::int64_t kPackedFloats = 524288;  // 2 MiB of panels at a time
constexpr std::int64_t kColumns = 2048;
constexpr std::int64_t kRows = 64;  // of the result, one thread at a time

// Part of the right matrix that is packed at once.
struct PackedPart {
  Range depth, columns;
};

void pack(const ProductJob& job, const PackedPart& part, float* panels) {
  const auto& kernels = vector_kernels();
  const std::int64_t panel = kernels.product_panel, depth = part.depth.end - part.depth.begin;
#pragma omp for schedule(static)
  for (std::int64_t c = part.columns.begin; c < part.columns.end; c += panel) {
    kernels.pack_panel(job, part.depth, c, panels + (c - part.columns.begin) * depth);
  }
}

void multiply_rows(const ProductJob& job, const PackedPart& part, const float* panels, Range rows) {
  const auto& kernels = vector_kernels();
  const std::int64_t panel = kernels.product_panel, depth = part.depth.end - part.depth.begin;
  float* scratch = thread_scratch(kDepth * kernels.product_rows);
  for (std::int64_t begin = part.depth.begin; begin < part.depth.end; begin += kDepth) {
    const std::int64_t end = std::min(part.depth.end, begin + kDepth);
    kernels.product_block(job,
                          {.rows = rows,
                           .columns = part.columns,
                           .depth = {begin, end},
                           .panels = panels + (begin - part.depth.begin) * panel,
                           .panel_distance = depth * panel,
                           .add = job.add || begin > 0},
                          scratch);
  }
}

}  // namespace

void multiply(const ProductJob& job) {
  const std::int64_t panel = vector_kernels().product_panel;
  const std::int64_t wide = std::min(kColumns, (job.columns + panel - 1) / panel * panel);
  const std::int64_t deep = std::max<std::int64_t>(1, kPackedFloats / wide / kDepth) * kDepth;
  float* panels = product_panels(wide * std::min(deep, job.depth));
  const bool parallel = job.rows * job.columns * job.depth > 65536;
#pragma omp parallel num_threads(kernel_threads()) if (parallel)
  for (std::int64_t k = 0; k < job.depth; k += deep) {
    for (std::int64_t c = 0; c < job.columns; c += wide) {
      const PackedPart part{{k, std::min(job.depth, k + deep)},
                            {c, std::min(job.columns, c + wide)}};
      pack(job, part, panels);
#pragma omp for schedule(static)
      for (std::int64_t row = 0; row < job.rows; row += kRows) {
        multiply_rows(job, part, panels, {row, std::min(job.rows, row + kRows)});
      }
    }
  }
}

}  // namespace bertha
