// The two building blocks every part of BERT has, a dense layer and a LayerNorm, by their names in
// the parameter space.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/parameter_space.h"

namespace bertha {

struct DenseWeights {
  at::Tensor weight;  // [outputs, inputs]
  at::Tensor bias;    // [outputs]
};
struct NormWeights {
  at::Tensor weight, bias;  // [hidden]
};
struct DenseShape {
  std::int64_t inputs, outputs;
};

// Error{internal} if the space has no such parameter.
const at::Tensor& leaf_named(const ParameterSpace& space, const std::string& name);
DenseWeights dense_named(const ParameterSpace& space, const std::string& prefix);
NormWeights norm_named(const ParameterSpace& space, const std::string& prefix);

void add_dense(const std::string& prefix, DenseShape shape, std::vector<ParameterSpec>& specs);
void add_norm(const std::string& prefix, std::int64_t size, std::vector<ParameterSpec>& specs);

// What softmax and losses are computed in: fp32, or double for double.
at::ScalarType exact_type(const at::Tensor& values);

// [rows, inputs] -> [rows, outputs]
at::Tensor dense(const DenseWeights& weights, const at::Tensor& values);
// Over the last dimension; statistics in fp32 whatever the type of `values`.
at::Tensor layer_norm(const NormWeights& weights, const at::Tensor& values, double epsilon);
// "gelu", "gelu_new" or "relu".
at::Tensor activate(const std::string& activation, const at::Tensor& values);

}  // namespace bertha
