// The loops of fused_kernels.h over part of the rows, columns or heads, as each instruction set has
// them. vector/*.inc is their text, compiled once for each set by vector_kernels_*.cpp.
#pragma once

#include <cstdint>

#include "trainer/kernels/cpu/dropout_rows.h"
#include "trainer/kernels/fused_kernels.h"

namespace bertha {

// Dropout of packed rows, ready to draw.
struct RowMasks {
  PackedRows rows;
  DropoutRow numbers;
  FillDropoutRow fill;  // null: nothing is dropped
};

struct Range {
  std::int64_t begin, end;
};

// `scratch` holds two rows, or what attention_scratch says; `sums` are column sums that the caller
// has set to zero.
template <class T>
struct VectorKernels {
  void (*residual_norm_forward)(const ResidualNormJob<T>&, const RowMasks&, Range rows,
                                float* scratch);
  void (*residual_norm_backward)(const ResidualNormGradientJob<T>&, const RowMasks&, Range rows,
                                 float* sums, float* scratch);  // sums: scale, shift, bias
  void (*activation_forward)(const ActivationJob<T>&, Range rows);
  void (*activation_backward)(const ActivationGradientJob<T>&, Range rows, float* sums);
  void (*attention_forward)(const AttentionJob<T>&, const RowMasks&, std::int64_t sequence,
                            std::int64_t head, float* scratch);
  void (*attention_backward)(const AttentionJob<T>&, const RowMasks&, std::int64_t sequence,
                             std::int64_t head, float* sums, float* scratch);  // sums: q, k, v
  void (*cross_entropy_forward)(const CrossEntropyJob<T>&, std::int64_t row, float* loss,
                                bool* correct);
  void (*cross_entropy_backward)(const CrossEntropyJob<T>&, Range columns);
  void (*embedding_forward)(const EmbeddingJob<T>&, const RowMasks&, Range rows, float* scratch);
  void (*embedding_backward)(const EmbeddingGradientJob<T>&, const RowMasks&, Range rows,
                             float* sums, float* scratch);  // sums: scale, shift
  void (*embedding_scatter)(const EmbeddingGradientJob<T>&, Range columns);
};

// Part of a product whose right matrix has been packed into panels.
struct ProductBlock {
  Range rows, columns, depth;
  const float* panels;          // of the block's columns, from its first k on
  std::int64_t panel_distance;  // floats from one panel to the next
  bool add;
};

struct VectorKernelSet {
  VectorKernels<float> fp32;
  VectorKernels<Bf16> bf16;
  void (*add_to)(float* sum, const Bf16* values, std::int64_t count);
  // Floats of scratch that attention needs for a sequence of `length` tokens.
  std::int64_t (*attention_scratch)(std::int64_t length, std::int64_t head_size);
  // Columns of a panel, rows of a tile of products, and how they are packed and multiplied.
  std::int64_t product_panel, product_rows;
  void (*pack_panel)(const ProductJob&, Range depth, std::int64_t first_column, float* to);
  void (*product_block)(const ProductJob&, const ProductBlock&, float* scratch);
};

VectorKernelSet plain_kernels();
VectorKernelSet avx2_kernels();
VectorKernelSet avx512_kernels();
VectorKernelSet avx512bf16_kernels();
VectorKernelSet amx_kernels();
bool has_amx();                           // and the system lets this process use it
const VectorKernelSet& vector_kernels();  // the fastest this CPU has

template <class T>
const VectorKernels<T>& vector_kernels_of();
template <>
inline const VectorKernels<float>& vector_kernels_of<float>() {
  return vector_kernels().fp32;
}
template <>
inline const VectorKernels<Bf16>& vector_kernels_of<Bf16>() {
  return vector_kernels().bf16;
}

}  // namespace bertha
