// Matrix products of the fused path, into given memory.
#include "trainer/model/fused_dense.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void product_on_device(KernelDevice device, const at::Tensor& left, const at::Tensor& right,
                       const at::Tensor& result, bool add) {
  multiply_on_device({.left = left.data_ptr(),
                      .right = right.data_ptr(),
                      .result = result.data_ptr(),
                      .values_are_bf16 = left.scalar_type() == at::kBFloat16,
                      .result_is_bf16 = result.scalar_type() == at::kBFloat16,
                      .left_row = left.stride(0),
                      .left_step = left.stride(1),
                      .right_row = right.stride(0),
                      .right_column = right.stride(1),
                      .result_row = result.stride(0),
                      .rows = left.size(0),
                      .columns = right.size(1),
                      .depth = left.size(1),
                      .add = add},
                     kernel_place(device, result));
}

void library_product(const at::Tensor& left, const at::Tensor& right, at::Tensor result, bool add) {
  if (add) {
    result.addmm_(left, right);
  } else {
    at::mm_out(result, left, right);
  }
}

// In deterministic mode LibTorch has one thread, so that its sums do not depend on the number of
// threads. Blocks of rows, of sizes that do not depend on it either, are shared out among ours.
void library_product_by_rows(const at::Tensor& left, const at::Tensor& right,
                             const at::Tensor& result, bool add) {
  constexpr std::int64_t kRows = 512;
  const std::int64_t rows = result.size(0);
  std::exception_ptr fault;  // none may leave the threads
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) if (rows > kRows)
  for (std::int64_t row = 0; row < rows; row += kRows) {
    try {
      const at::AutoDispatchBelowADInplaceOrView no_graph;  // each thread has this state of its own
      const std::int64_t count = std::min(kRows, rows - row);
      library_product(left.narrow(0, row, count), right, result.narrow(0, row, count), add);
    } catch (...) {
#pragma omp critical(bertha_library_product)
      fault = std::current_exception();
    }
  }
  if (fault) std::rethrow_exception(fault);
}

// result (+)= left right. On the CPU fp32 by our own product, for its fixed order of sums; bf16 by
// oneDNN, which sums in fp32.
void product(KernelDevice device, const at::Tensor& left, const at::Tensor& right,
             at::Tensor result, bool add = false) {
  if (device != KernelDevice::cpu) return product_on_device(device, left, right, result, add);
  RECORD_USER_SCOPE("product");
  if (result.scalar_type() == at::kFloat) {
    multiply({.left = left.data_ptr<float>(),
              .right = right.data_ptr<float>(),
              .result = result.data_ptr<float>(),
              .left_row = left.stride(0),
              .left_step = left.stride(1),
              .right_row = right.stride(0),
              .right_column = right.stride(1),
              .result_row = result.stride(0),
              .rows = left.size(0),
              .columns = right.size(1),
              .depth = left.size(1),
              .add = add});
  } else if (at::globalContext().deterministicAlgorithms()) {
    library_product_by_rows(left, right, result, add);
  } else {
    library_product(left, right, result, add);
  }
}

// Parameters of one shape as one, along the first dimension; undefined unless they lie end to end.
at::Tensor end_to_end(const std::vector<at::Tensor>& parts) {
  const auto& first = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto expected = first.storage_offset() + static_cast<std::int64_t>(i) * first.numel();
    if (parts[i].storage_offset() != expected) return {};
  }
  auto shape = first.sizes().vec();
  shape[0] *= static_cast<std::int64_t>(parts.size());
  return first.as_strided(shape, first.strides(), first.storage_offset());
}

struct FusedLinear : public torch::autograd::Function<FusedLinear> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bias) {
    context->save_for_backward({input, weight});
    auto output = at::empty({input.size(0), weight.size(0)}, input.options());
    product(kernel_device(input), input, weight.t(), output);
    return output.add_(bias);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto gradient = gradients[0].contiguous();
    auto input_gradient = at::empty_like(saved[0]), weight_gradient = at::empty_like(saved[1]);
    const auto device = kernel_device(gradient);
    product(device, gradient, saved[1], input_gradient);
    product(device, gradient.t(), saved[0], weight_gradient);
    return {input_gradient, weight_gradient, gradient.sum(0)};
  }
};

}  // namespace

at::Tensor fused_linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  return FusedLinear::apply(input.contiguous(), weight, bias);
}

int FusedParameters::find(const std::string& name) {
  const int number = space_->find(name);
  if (number < 0) {
    throw Error(ErrorKind::internal, fmt::format("the model has no parameter {}", name));
  }
  numbers_.push_back(number);
  return number;
}

FusedVector FusedParameters::vector(const std::string& name) {
  const int number = find(name);
  return {space_->master_view(number).data_ptr<float>(),
          space_->gradient_view(number).data_ptr<float>()};
}

FusedMatrix FusedParameters::matrix(const std::string& name) {
  const int number = find(name);
  return {space_->leaf(number).detach(), space_->gradient_view(number), device_};
}

std::vector<FusedMatrix> FusedParameters::stacked(const std::vector<std::string>& names) {
  std::vector<FusedMatrix> parts;
  for (const auto& name : names) parts.push_back(matrix(name));
  std::vector<at::Tensor> values, gradients;
  for (const auto& part : parts) values.push_back(part.values), gradients.push_back(part.gradient);
  const auto stacked_values = end_to_end(values), stacked_gradients = end_to_end(gradients);
  if (!stacked_values.defined()) return parts;
  return {{stacked_values, stacked_gradients, device_}};
}

std::vector<at::Tensor> FusedParameters::stacked_values(
    const std::vector<std::string>& names) const {
  std::vector<at::Tensor> parts;
  for (const auto& name : names) parts.push_back(space_->leaf(space_->find(name)).detach());
  const auto stacked = end_to_end(parts);
  if (!stacked.defined()) return parts;
  return {stacked};
}

FusedMatrix some_outputs(const FusedMatrix& matrix, std::int64_t first, std::int64_t count) {
  return {matrix.values.narrow(0, first, count), matrix.gradient.narrow(0, first, count),
          matrix.device};
}

FusedMatrix with_spare_rows(const FusedMatrix& matrix, std::int64_t rows) {
  const auto longer = [&](const at::Tensor& part) {
    return part.as_strided({rows, part.size(1)}, part.strides(), part.storage_offset());
  };
  return {longer(matrix.values), longer(matrix.gradient), matrix.device};
}

void FusedParameters::announce() const {
  for (const int number : numbers_) space_->announce_gradient(number);
}

void dense_forward(const FusedMatrix& weight, const at::Tensor& input, at::Tensor output) {
  product(weight.device, input, weight.values.t(), std::move(output));
}

void dense_input_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                          at::Tensor input_gradient) {
  product(weight.device, output_gradient, weight.values, std::move(input_gradient));
}

void dense_add_input_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                              at::Tensor input_gradient) {
  product(weight.device, output_gradient, weight.values, std::move(input_gradient), true);
}

void dense_weight_gradient(const FusedMatrix& weight, const at::Tensor& output_gradient,
                           const at::Tensor& input, FusedScratch& scratch) {
  auto gradient = weight.gradient;
  if (input.scalar_type() == at::kFloat || weight.device != KernelDevice::cpu) {
    product(weight.device, output_gradient.t(), input, gradient, true);
    return;
  }
  // The product is summed in fp32 and rounded once, then added in fp32.
  const auto rounded = scratch.weight.sized(gradient.size(0), gradient.size(1), input.options());
  product(weight.device, output_gradient.t(), input, rounded);
  add_to(gradient.data_ptr<float>(), elements<Bf16>(rounded), rounded.numel());
}

void dense_forward(const std::vector<FusedMatrix>& weights, const at::Tensor& input,
                   const at::Tensor& output) {
  std::int64_t column = 0;
  for (const auto& weight : weights) {
    dense_forward(weight, input, output.narrow(1, column, weight.values.size(0)));
    column += weight.values.size(0);
  }
}

void dense_forward_with_bias(const std::vector<FusedMatrix>& weights,
                             const std::vector<at::Tensor>& biases, const at::Tensor& input,
                             const at::Tensor& output) {
  const auto bias = biases.size() == 1 ? biases.front() : at::cat(biases);
  std::int64_t column = 0;
  for (const auto& weight : weights) {
    const auto rows = weight.values.size(0);
    auto part = output.narrow(1, column, rows);
    at::addmm_out(part, bias.narrow(0, column, rows), input, weight.values.t());
    column += rows;
  }
}

void dense_backward(const std::vector<FusedMatrix>& weights, const at::Tensor& output_gradient,
                    const at::Tensor& input, at::Tensor input_gradient, FusedScratch& scratch) {
  std::int64_t column = 0;
  for (const auto& weight : weights) {
    const auto part = output_gradient.narrow(1, column, weight.values.size(0));
    if (column == 0) {
      dense_input_gradient(weight, part, input_gradient);
    } else {
      dense_add_input_gradient(weight, part, input_gradient);
    }
    dense_weight_gradient(weight, part, input, scratch);
    column += weight.values.size(0);
  }
}

}  // namespace bertha
