// The plain attention of the CUDA kernels against the CPU's and against double, and products as
// cuBLAS is asked for them against loops.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "kernel_inputs.h"

namespace bertha {
namespace {

struct AttentionShape {
  std::vector<std::int32_t> lengths;
  std::int64_t heads, head_size;
};

template <class T>
std::vector<at::Tensor> attention(const TestPlace& place, const AttentionShape& shape,
                                  double rate) {
  const TestRows packed(place, shape.lengths);
  const auto rows = packed.count, hidden = shape.heads * shape.head_size;
  const auto mixed = place.values(rows, 3 * hidden, 0.3, kTypeOf<T>);
  const auto output = at::empty({rows, hidden}, mixed.options());
  const auto bias = place.values(3, hidden, 1.1), bias_sum = place.values(3, hidden, 2.1);
  const auto log_sum = at::empty({shape.heads, rows}, bias.options());
  AttentionJob<T> job{packed.rows(),
                      shape.heads,
                      shape.head_size,
                      pointer<T>(mixed),
                      {},
                      pointer<float>(log_sum),
                      pointer<T>(output),
                      {},
                      {7, 3, 4, rate},
                      nullptr};
  for (int part = 0; part < 3; ++part) {
    job.bias[part] = pointer<float>(bias) + part * hidden;
    job.bias_gradient[part] = pointer<float>(bias_sum) + part * hidden;
  }
  attention_forward(job, place.place());
  const auto attended = output.clone();
  output.copy_(place.values(rows, hidden, 0.8, kTypeOf<T>));
  const auto gradient = place.device == KernelDevice::cpu ? mixed : at::empty_like(mixed);
  if (place.device != KernelDevice::cpu) job.mixed_gradient = pointer<T>(gradient);
  attention_backward(job, place.place());
  return {attended, log_sum, gradient, bias_sum};
}

// The same inputs in double, through ATen and autograd.
template <class T>
std::vector<at::Tensor> exact_attention(const AttentionShape& shape, double rate) {
  const TestPlace place(KernelDevice::cpu);
  const TestRows packed(place, shape.lengths);
  const auto rows = packed.count, hidden = shape.heads * shape.head_size;
  const auto mixed =
      place.values(rows, 3 * hidden, 0.3, kTypeOf<T>).to(at::kDouble).requires_grad_(true);
  const auto bias = place.values(3, hidden, 1.1).to(at::kDouble).requires_grad_(true);
  const auto parts = (mixed + bias.view({-1})).view({rows, 3, shape.heads, shape.head_size});
  std::vector<at::Tensor> outputs, log_sums;
  std::int64_t begin = 0;
  for (std::size_t s = 0; s < shape.lengths.size(); ++s) {
    const std::int64_t length = shape.lengths[s];
    const auto own = parts.narrow(0, begin, length).permute({1, 2, 0, 3});  // [3, heads, L, d]
    const auto scores =
        own[0].matmul(own[1].transpose(1, 2)) / std::sqrt(static_cast<double>(shape.head_size));
    auto mask = at::ones({shape.heads, length, length}, at::kFloat);
    const auto sample = static_cast<std::uint64_t>(
        packed.samples[static_cast<std::int64_t>(s)].item<std::int64_t>());
    if (rate > 0) {
      dropout_mask(mask.data_ptr<float>(), shape.heads * length, length, length,
                   {7, 3, 4, sample, rate, 0});
    }
    const auto kept = scores.softmax(-1) * mask.to(at::kDouble);
    outputs.push_back(kept.matmul(own[2]).transpose(0, 1).reshape({length, hidden}));
    log_sums.push_back(scores.logsumexp(-1));
    begin += length;
  }
  const auto output = at::cat(outputs);
  output.backward(place.values(rows, hidden, 0.8, kTypeOf<T>).to(at::kDouble));
  return {output.detach(), at::cat(log_sums, 1).detach(), mixed.grad(),
          place.values(3, hidden, 2.1).to(at::kDouble) + bias.grad()};
}

// Largest error in proportion to the largest value.
double error_of(const at::Tensor& ours, const at::Tensor& exact) {
  const auto size = exact.abs().max().item<double>();
  return (ours.cpu().to(at::kDouble) - exact).abs().max().item<double>() / (size > 0 ? size : 1);
}

class DeviceAttention : public testing::TestWithParam<KernelDevice> {
 protected:
  void SetUp() override {
    if (GetParam() == KernelDevice::cuda && !cuda_here()) GTEST_SKIP() << "no CUDA device";
  }
};

TEST_P(DeviceAttention, AttendsAsTheCpu) {
  const std::vector<AttentionShape> shapes{
      {{1}, 1, 1}, {{9, 1, 40}, 2, 12}, {{33, 70}, 3, 32}, {{130}, 1, 96}};
  for (const auto& shape : shapes) {
    for (const double rate : {0.0, 0.25}) {
      SCOPED_TRACE(testing::Message() << shape.head_size << " columns, dropout " << rate);
      const TestPlace cpu(KernelDevice::cpu), here(GetParam());
      const auto theirs = attention<float>(cpu, shape, rate);
      const auto ours = attention<float>(here, shape, rate);
      const auto theirs_short = attention<Bf16>(cpu, shape, rate);
      const auto ours_short = attention<Bf16>(here, shape, rate);
      for (std::size_t i = 0; i < theirs.size(); ++i) {
        expect_close_to_largest(ours[i], theirs[i], "fp32", 2e-5);
        // Sums of biases are taken over rounded gradients here, on the CPU before rounding.
        expect_close_to_largest(ours_short[i], theirs_short[i], "bf16", 0x1p-7);
      }
    }
  }
}

// Errors against double: no more than twice the CPU's, or than four roundings of the type where the
// CPU happens to be exact. The CPU's: 16 roundings, each as large as that of the greatest logarithm
// of a sum, from which backward makes the probabilities again.
TEST_P(DeviceAttention, IsAsExactAsTheCpu) {
  const std::vector<AttentionShape> shapes{
      {{1}, 1, 1}, {{9, 1, 40}, 2, 12}, {{33, 70}, 3, 32}, {{130}, 1, 96}};
  const std::array names{"output", "log sum", "gradient", "bias gradient"};
  const auto compare = [&](const auto& ours, const auto& theirs, const auto& exact, double unit) {
    const double scale = std::max(1.0, exact[1].abs().max().template item<double>());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double error = error_of(ours[i], exact[i]), cpus = error_of(theirs[i], exact[i]);
      EXPECT_LE(error, std::max(2 * cpus, 4 * unit)) << names[i] << ", the CPU's " << cpus;
      EXPECT_LE(cpus, 16 * scale * unit) << names[i] << ", log sums up to " << scale;
    }
  };
  for (const auto& shape : shapes) {
    for (const double rate : {0.0, 0.25}) {
      SCOPED_TRACE(testing::Message() << shape.head_size << " columns, dropout " << rate);
      const TestPlace cpu(KernelDevice::cpu), here(GetParam());
      compare(attention<float>(here, shape, rate), attention<float>(cpu, shape, rate),
              exact_attention<float>(shape, rate), 0x1p-24);
      compare(attention<Bf16>(here, shape, rate), attention<Bf16>(cpu, shape, rate),
              exact_attention<Bf16>(shape, rate), 0x1p-9);
    }
  }
}

// Every way that a matrix may lie, results inside wider rows, bf16 and fp32 results, added or not.
TEST_P(DeviceAttention, MultipliesMatricesThatLieAnyWay) {
  const TestPlace here(GetParam());
  for (const auto& [rows, columns, depth] :
       {std::array{1, 1, 1}, std::array{3, 1, 5}, std::array{1, 9, 2}, std::array{7, 16, 33}}) {
    for (int kind = 0; kind < 16; ++kind) {
      const bool left_turned = kind & 1, right_turned = kind & 2, add = kind & 4,
                 is_bf16 = kind & 8;
      const auto type = is_bf16 ? at::kBFloat16 : at::kFloat;
      auto left = left_turned ? here.values(depth, rows, 0.1, type).t()
                              : here.values(rows, depth, 0.1, type);
      auto right = right_turned ? here.values(columns, depth, 0.4, type).t()
                                : here.values(depth, columns, 0.4, type);
      const auto wide = here.values(rows, columns + 3, 0.7);
      const auto result = wide.narrow(1, 0, columns);
      const auto expected = left.cpu().to(at::kDouble).mm(right.cpu().to(at::kDouble)) +
                            result.cpu().to(at::kDouble) * (add ? 1 : 0);
      const auto beside = wide.narrow(1, columns, 3).clone();
      multiply_on_device({left.data_ptr(), right.data_ptr(), result.data_ptr(), is_bf16, false,
                          left.stride(0), left.stride(1), right.stride(0), right.stride(1),
                          result.stride(0), rows, columns, depth, add},
                         here.place());
      expect_close(result, expected, "product");
      EXPECT_TRUE(at::equal(wide.narrow(1, columns, 3), beside)) << kind;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Twin, DeviceAttention, testing::Values(KernelDevice::twin));
INSTANTIATE_TEST_SUITE_P(Gpu, DeviceAttention, testing::Values(KernelDevice::cuda));

}  // namespace
}  // namespace bertha
