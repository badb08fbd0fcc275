// Scratch memory and sums of the fused kernels.
#include "trainer/kernels/cpu/row_blocks.h"

#include <new>

namespace bertha {
namespace {

constexpr std::size_t kCacheLine = 64;

// Grows, never shrinks; aligned to cache lines.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::operator delete[](memory_, std::align_val_t{kCacheLine}); }

  float* take(std::int64_t floats) {
    if (floats <= size_) return memory_;
    ::operator delete[](memory_, std::align_val_t{kCacheLine});
    memory_ = nullptr;
    size_ = 0;
    const auto bytes = static_cast<std::size_t>(floats) * sizeof(float);
    memory_ = static_cast<float*>(::operator new[](bytes, std::align_val_t{kCacheLine}));
    size_ = floats;
    return memory_;
  }

 private:
  float* memory_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace

float* thread_scratch(std::int64_t floats) {
  thread_local Scratch scratch;
  return scratch.take(floats);
}

float* block_sums(std::int64_t floats) {
  thread_local Scratch scratch;
  float* sums = scratch.take(floats);
  std::fill_n(sums, floats, 0.0F);
  return sums;
}

float* product_panels(std::int64_t floats) {
  thread_local Scratch scratch;
  return scratch.take(floats);
}

RowMasks row_masks(const PackedRows& rows, std::int64_t columns, const FusedDropout& dropout) {
  static const FillDropoutRow fill = pick_fill_dropout_row();
  const DropoutMaskJob job{dropout.seed, dropout.step, dropout.site, 0, dropout.rate, 0};
  return {rows, dropout_row(columns, job), dropout.rate > 0 ? fill : nullptr};
}

void add_block_sums(const float* sums, std::int64_t blocks, std::int64_t columns,
                    std::span<float* const> homes) {
  const auto parts = static_cast<std::int64_t>(homes.size());
  for (std::int64_t block = 0; block < blocks; ++block) {
    for (std::int64_t part = 0; part < parts; ++part) {
      float* home = homes[static_cast<std::size_t>(part)];
      if (!home) continue;
      const float* from = sums + (block * parts + part) * columns;
      for (std::int64_t c = 0; c < columns; ++c) home[c] += from[c];
    }
  }
}

}  // namespace bertha
