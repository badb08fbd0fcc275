// What the fused CPU path of the model does between matrix products, over packed rows. Values are
// float or Bf16, sums are fp32. Results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "trainer/kernels/kernels.h"

namespace bertha {

struct Bf16 {
  std::uint16_t bits;
};

// Which sample a row of a packed batch belongs to, and how its dropout is drawn.
struct PackedRows {
  const std::int32_t* offsets;  // [sequences + 1]
  const std::uint64_t* samples;
  std::int64_t sequences;
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
void residual_norm_forward(const ResidualNormJob<T>& job);

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
void residual_norm_backward(const ResidualNormGradientJob<T>& job);

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
void activation_forward(const ActivationJob<T>& job);

// Also gives the activated values again, so that nobody has to keep them.
template <class T>
struct ActivationGradientJob {
  Activation activation;
  std::int64_t row_count, columns;
  T* values;    // becomes the activated values
  T* gradient;  // of the output; becomes that of values
  const float* bias;
  float* bias_gradient;  // added to
};
template <class T>
void activation_backward(const ActivationGradientJob<T>& job);

// Scaled dot-product attention of every sequence with itself.
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
};
template <class T>
void attention_forward(const AttentionJob<T>& job);
// `mixed` becomes the gradient of query, key and value.
template <class T>
void attention_backward(const AttentionJob<T>& job);

// Softmax cross entropy of [rows, columns] logits that lack their bias.
template <class T>
struct CrossEntropyJob {
  std::int64_t row_count, columns;
  T* logits;  // backward: becomes their gradient
  const float* bias;
  const std::int64_t* labels;
  float* log_sum;                  // [rows]
  float weight = 0;                // backward: gradient of the summed loss
  float* bias_gradient = nullptr;  // backward: added to
};
struct CrossEntropySums {
  double loss = 0;
  std::int64_t correct = 0;  // rows where no logit is above the label's
};
template <class T>
CrossEntropySums cross_entropy_forward(const CrossEntropyJob<T>& job);
template <class T>
void cross_entropy_backward(const CrossEntropyJob<T>& job);

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
void embedding_forward(const EmbeddingJob<T>& job);

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
};
template <class T>
void embedding_backward(const EmbeddingGradientJob<T>& job);

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

// sum[i] += values[i]
void add_to(float* sum, const Bf16* values, std::int64_t count);

}  // namespace bertha
