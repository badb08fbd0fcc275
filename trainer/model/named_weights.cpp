// Looks up, declares and applies dense layers, LayerNorms and activations.
#include "trainer/model/named_weights.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

const at::Tensor& leaf_named(const ParameterSpace& space, const std::string& name) {
  const int parameter = space.find(name);
  if (parameter < 0) {
    throw Error(ErrorKind::internal, fmt::format("the model has no parameter {}", name));
  }
  return space.leaf(parameter);
}

DenseWeights dense_named(const ParameterSpace& space, const std::string& prefix) {
  return {leaf_named(space, prefix + ".weight"), leaf_named(space, prefix + ".bias")};
}

NormWeights norm_named(const ParameterSpace& space, const std::string& prefix) {
  return {leaf_named(space, prefix + ".weight"), leaf_named(space, prefix + ".bias")};
}

void add_dense(const std::string& prefix, DenseShape shape, std::vector<ParameterSpec>& specs) {
  specs.push_back({prefix + ".weight", {shape.outputs, shape.inputs}});
  specs.push_back({prefix + ".bias", {shape.outputs}, InitialValue::zeros});
}

void add_norm(const std::string& prefix, std::int64_t size, std::vector<ParameterSpec>& specs) {
  specs.push_back({prefix + ".weight", {size}, InitialValue::ones});
  specs.push_back({prefix + ".bias", {size}, InitialValue::zeros});
}

at::ScalarType exact_type(const at::Tensor& values) {
  return values.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor dense(const DenseWeights& weights, const at::Tensor& values) {
  return at::linear(values, weights.weight, weights.bias);
}

at::Tensor layer_norm(const NormWeights& weights, const at::Tensor& values, double epsilon) {
  return at::layer_norm(values, {values.size(-1)}, weights.weight, weights.bias, epsilon);
}

at::Tensor activate(const std::string& activation, const at::Tensor& values) {
  if (activation == "gelu") return at::gelu(values, "none");
  if (activation == "gelu_new") return at::gelu(values, "tanh");
  if (activation == "relu") return at::relu(values);
  if (activation == "silu") return at::silu(values);
  if (activation == "tanh") return at::tanh(values);
  throw Error(ErrorKind::internal, fmt::format("no activation {}", activation));
}

}  // namespace bertha
