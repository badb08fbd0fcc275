// Dense layers and vectors of the fused path: weights in the compute type, gradients straight into
// the flat fp32 gradient.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/fused_pass.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// A bias or a LayerNorm's scale or shift: always computed with in fp32.
struct FusedVector {
  const float* values = nullptr;
  float* gradient = nullptr;
};
struct FusedMatrix {
  at::Tensor values;                        // [outputs, inputs], compute type
  at::Tensor gradient;                      // [outputs, inputs], fp32
  KernelDevice device = KernelDevice::cpu;  // what multiplies with it
};

// Looks parameters up by name and remembers their numbers, for announcing their gradients.
class FusedParameters {
 public:
  FusedParameters(const ParameterSpace& space, KernelDevice device)
      : space_(&space), device_(device) {}
  FusedVector vector(const std::string& name);
  FusedMatrix matrix(const std::string& name);
  // Several matrices of one shape as one, where they lie end to end; else one by one.
  std::vector<FusedMatrix> stacked(const std::vector<std::string>& names);
  // Vectors in the compute type, as one where they lie end to end. Not remembered.
  std::vector<at::Tensor> stacked_values(const std::vector<std::string>& names) const;
  // Their gradients of this backward pass are complete.
  void announce() const;

 private:
  int find(const std::string& name);

  const ParameterSpace* space_;
  KernelDevice device_;
  std::vector<int> numbers_;
};

// `count` of its outputs, from `first` on.
FusedMatrix some_outputs(const FusedMatrix& matrix, std::int64_t first, std::int64_t count);
// The same with the spare rows behind it, `rows` in all.
FusedMatrix with_spare_rows(const FusedMatrix& matrix, std::int64_t rows);

// output = input weight^T. [rows, inputs] -> [rows, outputs]
void dense_forward(const FusedMatrix& weight, const at::Tensor& input, at::Tensor output);
// input_gradient = output_gradient weight
void dense_input_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                          at::Tensor input_gradient);
// input_gradient += output_gradient weight
void dense_add_input_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                              at::Tensor input_gradient);
// weight.gradient += output_gradient^T input
void dense_weight_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                           const at::Tensor& input, FusedScratch& scratch);

// The same for matrices whose outputs stand side by side.
void dense_forward(const std::vector<FusedMatrix>& weights, const at::Tensor& input,
                   const at::Tensor& output);
// Biases in the compute type, one for all or one for each weight, are added in the product: for
// CUDA, where ATen lets cuBLASLt do that.
void dense_forward_with_bias(const std::vector<FusedMatrix>& weights,
                             const std::vector<at::Tensor>& biases, const at::Tensor& input,
                             const at::Tensor& output);
void dense_backward(const std::vector<FusedMatrix>& weights, const at::Tensor& output_gradient,
                    const at::Tensor& input, at::Tensor input_gradient, FusedScratch& scratch);

// A dense layer as autograd sees it, for the small heads: gradients of weight and bias take the way
// of leaves.
at::Tensor fused_linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace bertha
