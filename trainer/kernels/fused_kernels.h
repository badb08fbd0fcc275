// What the fused path of the model does between matrix products, over packed rows. Values are float
// or Bf16, sums are fp32. Results do not depend on the number of threads. All pointers of a job,
// and those of its rows, point to memory of the place; on CUDA kernels are queued and not waited
// for.
#pragma once

#include <cstdint>

#include "trainer/kernels/kernels.h"

namespace bertha {

// Which sample a row of a packed batch belongs to, and how its dropout is drawn.
struct PackedRows {
  const std::int32_t* offsets;  // [sequences + 1]
  const std::uint64_t* samples;
  std::int64_t sequences;
  // Only looked at on CUDA.
  const std::int32_t* row_sequences = nullptr;  // [rows]: which sequence each belongs to
  std::int64_t row_count = 0, longest = 0;      // of all sequences, of the longest
  // Of jobs that are given some of the rows, packed.
  const std::int64_t* numbers = nullptr;  // [rows of the job] ascending; null: all rows
};
struct FusedDropout {
  std::uint64_t seed = 0, step = 0;
  std::uint32_t site = 0;
  double rate = 0;  // 0: off
};

// normalised = (z - mean) / deviation, output = normalised * scale + shift,
// where z = dropout(values + bias) + residual. [rows, columns] each.
template <class T>
struct ResidualNormJob {
  PackedRows rows;  // only looked at for dropout
  std::int64_t row_count, columns;
  T* values;          // becomes `normalised`
  const float* bias;  // [columns]; null: none
  const T* residual;  // null: none
  const float *scale, *shift;
  float* inverse_deviation;  // [rows]
  T* output;
  double epsilon;
  FusedDropout dropout;
};
template <class T>
void residual_norm_forward(const ResidualNormJob<T>& job, const KernelPlace& place = {});

template <class T>
struct ResidualNormGradientJob {
  PackedRows rows;
  std::int64_t row_count, columns;
  const T* output_gradient;
  const T* more_output_gradient;  // added to it; null: none
  const T* normalised;
  const float *scale, *inverse_deviation;
  T* residual_gradient;  // of z; may be output_gradient
  T* values_gradient;    // null: the same as residual_gradient, when nothing is dropped
  float *scale_gradient, *shift_gradient, *bias_gradient;  // added to; bias may be null
  FusedDropout dropout;
};
template <class T>
void residual_norm_backward(const ResidualNormGradientJob<T>& job, const KernelPlace& place = {});

enum class Activation { gelu, gelu_tanh, relu };

// output = activation(values + bias)
template <class T>
struct ActivationJob {
  Activation activation;
  std::int64_t row_count, columns;
  const T* values;
  const float* bias;
  T* output;
};
template <class T>
void activation_forward(const ActivationJob<T>& job, const KernelPlace& place = {});

// Also gives the activated values again, so that nobody has to keep them; off the CPU only where
// asked to.
template <class T>
struct ActivationGradientJob {
  Activation activation;
  std::int64_t row_count, columns;
  T* values;    // becomes the activated values
  T* gradient;  // of the output; becomes that of values
  const float* bias;
  float* bias_gradient;  // added to
  bool activate_again = true;
};
template <class T>
void activation_backward(const ActivationGradientJob<T>& job, const KernelPlace& place = {});

// Rows that attend where not all do, while all are attended to. CPU only.
template <class T>
struct AttentionQueries {
  const std::int32_t* offsets = nullptr;  // [sequences + 1]: which of them each sequence has
  const std::int64_t* numbers = nullptr;  // [queries]: which row each is, ascending
  T* values = nullptr;                    // [queries, heads * head_size] without biases
};

// Scaled dot-product attention of every sequence with itself. With `queries`, `mixed` holds key and
// value alone, log_sum and output have a row for each query, and backward puts the gradient of
// the queries in their place.
template <class T>
struct AttentionJob {
  PackedRows rows;
  std::int64_t heads, head_size;
  T* mixed;                 // [rows, 3 * heads * head_size]: query, key, value without biases
  const float* bias[3];     // [heads * head_size]
  float* log_sum;           // [heads, rows]: of the exponentials of each row of scores
  T* output;                // [rows, heads * head_size]; backward: its gradient
  float* bias_gradient[3];  // backward only: added to
  FusedDropout dropout;
  // Backward: gradient of query, key and value; null: takes the place of `mixed` (CPU only).
  T* mixed_gradient = nullptr;
  AttentionQueries<T> queries = {};  // offsets null: all rows attend
};
template <class T>
void attention_forward(const AttentionJob<T>& job, const KernelPlace& place = {});
template <class T>
void attention_backward(const AttentionJob<T>& job, const KernelPlace& place = {});

// The same by tensor cores, for bf16 and heads of 64 columns; not on the CPU. Scores are never
// stored. A sequence's queries may be fewer than its keys. Dropout draws other numbers than
// AttentionJob's, of (seed, step, site, sample, head, query, key) as well: its rate is rounded to
// the next 256th.
struct FlashAttentionJob {
  static constexpr std::int64_t kHeadSize = 64;

  const std::int32_t *query_offsets, *key_offsets;  // [sequences + 1]
  const std::uint64_t* samples;                     // [sequences]
  std::int64_t sequences, query_count, longest_queries, longest_keys, heads;
  const Bf16 *query, *key, *value;  // [queries or keys, heads * 64], with biases
  std::int64_t query_row, key_row;  // distances of rows; key_row: of values, too
  float* log_sum;                   // [heads, queries], to base 2
  Bf16* output;                     // [queries, heads * 64]
  FusedDropout dropout;
  // Backward only. Gradients of query, key and value lie as these do.
  const Bf16* output_gradient = nullptr;  // [queries, heads * 64]
  float* products = nullptr;              // [heads, queries]: of output and its gradient
  Bf16 *query_gradient = nullptr, *key_gradient = nullptr, *value_gradient = nullptr;
  float *query_sum = nullptr, *key_sum = nullptr, *value_sum = nullptr;  // of columns; added to
};
void flash_attention_forward(const FlashAttentionJob& job, const KernelPlace& place);
// Needs flash_scratch_floats() of scratch.
void flash_attention_backward(const FlashAttentionJob& job, const KernelPlace& place);
std::int64_t flash_scratch_floats(const FlashAttentionJob& job);

struct CrossEntropySums {
  double loss = 0, correct = 0;  // correct: rows where no logit is above the label's
};
// Softmax cross entropy of [rows, columns] logits that lack their bias.
template <class T>
struct CrossEntropyJob {
  std::int64_t row_count, columns, logit_row;  // logit_row: distance of rows
  T* logits;                                   // backward: becomes their gradient
  const float* bias;
  const std::int64_t* labels;
  float* log_sum;                    // [rows]
  CrossEntropySums* sums = nullptr;  // forward: added to
  const float* weight = nullptr;     // backward: gradient of the summed loss
  float* bias_gradient = nullptr;    // backward: added to
};
template <class T>
void cross_entropy_forward(const CrossEntropyJob<T>& job, const KernelPlace& place = {});
template <class T>
void cross_entropy_backward(const CrossEntropyJob<T>& job, const KernelPlace& place = {});

// Sum of word, segment and position embeddings, normalised, dropped out. Ids must be in range.
template <class T>
struct EmbeddingJob {
  PackedRows rows;
  std::int64_t columns;
  const std::int64_t *tokens, *segments, *positions;
  const T *words, *segment_table, *position_table;
  const float *scale, *shift;
  T* normalised;
  float* inverse_deviation;
  T* output;
  double epsilon;
  FusedDropout dropout;
};
template <class T>
void embedding_forward(const EmbeddingJob<T>& job, const KernelPlace& place = {});

// Ids in ascending order and the rows they come from, equal ids in the order of rows.
struct SortedIds {
  const std::int64_t *ids = nullptr, *rows = nullptr;
};
template <class T>
struct EmbeddingGradientJob {
  PackedRows rows;
  std::int64_t columns;
  const std::int64_t *tokens, *segments, *positions;
  std::int64_t padding;    // the token whose row gets no gradient; -1: none
  T* gradient;             // of the output; overwritten
  const T* more_gradient;  // added to it; null: none
  const T* normalised;
  const float *scale, *inverse_deviation;
  float *words, *segment_table, *position_table, *scale_gradient, *shift_gradient;  // added to
  FusedDropout dropout;
  SortedIds sorted[3] = {};  // tokens, segments, positions; only looked at on CUDA
};
template <class T>
void embedding_backward(const EmbeddingGradientJob<T>& job, const KernelPlace& place = {});

// result (+)= left right in fp32. Element (i, k) of left stands at i * left_row + k * left_step,
// (k, j) of right at k * right_row + j * right_column, (i, j) of the result at i * result_row + j.
struct ProductJob {
  const float *left, *right;
  float* result;
  std::int64_t left_row, left_step, right_row, right_column, result_row;
  std::int64_t rows, columns, depth;
  bool add;
};
void multiply(const ProductJob& job);

// The same on CUDA, by cuBLAS: fp32 by fp32, or bf16 by bf16 with a result of either type; sums are
// fp32. One stride of each matrix is 1.
struct DeviceProductJob {
  const void *left, *right;
  void* result;
  bool values_are_bf16, result_is_bf16;
  std::int64_t left_row, left_step, right_row, right_column, result_row;
  std::int64_t rows, columns, depth;
  bool add;
};
void multiply_on_device(const DeviceProductJob& job, const KernelPlace& place);

// sum[i] += values[i]
void add_to(float* sum, const Bf16* values, std::int64_t count);

// Copies [rows, columns] and adds up each column. CUDA only.
template <class T>
struct ColumnSumJob {
  std::int64_t row_count, columns;
  const T* values;  // rows end to end
  T* copy;
  std::int64_t copy_row;  // distance of rows
  float* sums;            // [columns], added to
};
template <class T>
void copy_and_sum_columns(const ColumnSumJob<T>& job, const KernelPlace& place);

// Floats of KernelPlace::scratch that are enough for every job over so many rows: `columns` of
// those that normalise rows or scatter them to tables, `heads` of attention.
std::int64_t kernel_scratch_floats(std::int64_t rows, std::int64_t columns, std::int64_t heads);

}  // namespace bertha
