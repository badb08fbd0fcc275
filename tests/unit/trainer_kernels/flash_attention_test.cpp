// Attention by tensor cores, played on the host and on a GPU, against the same in double through
// ATen and autograd.
#include <array>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "kernel_inputs.h"
#include "parallel/base/philox.h"
#include "trainer/kernels/cpu/dropout_rows.h"

namespace bertha {
namespace {

constexpr std::int64_t kSize = FlashAttentionJob::kHeadSize;

struct Shape {
  std::vector<std::int32_t> lengths;
  std::int64_t heads;
  double spread = 1;  // of queries and keys: large ones make scores that leave one key alone
  int each = 1;       // every how manyth row asks
};
constexpr FusedDropout kDropout{7, 3, 4, 0};

// Inputs in bf16 on the CPU: query, key, value, gradient of the output.
struct Inputs {
  explicit Inputs(const Shape& shape) {
    at::manual_seed(11);
    std::int64_t begin = 0;
    std::vector<std::int64_t> chosen;
    for (const auto length : shape.lengths) {
      key_offsets.push_back(static_cast<std::int32_t>(begin));
      query_offsets.push_back(static_cast<std::int32_t>(chosen.size()));
      for (std::int64_t row = 0; row < length; row += shape.each) chosen.push_back(begin + row);
      longest_queries =
          std::max<std::int64_t>(longest_queries, (length + shape.each - 1) / shape.each);
      longest_keys = std::max<std::int64_t>(longest_keys, length);
      samples.push_back(static_cast<std::int64_t>(key_offsets.size() << 33) + 5);
      begin += length;
    }
    key_offsets.push_back(static_cast<std::int32_t>(begin));
    query_offsets.push_back(static_cast<std::int32_t>(chosen.size()));
    const auto made = [&](std::size_t rows, double spread) {
      return (at::randn({static_cast<std::int64_t>(rows), shape.heads * kSize}) * spread)
          .to(at::kBFloat16);
    };
    query = made(chosen.size(), shape.spread);
    key = made(static_cast<std::size_t>(begin), shape.spread);
    value = made(static_cast<std::size_t>(begin), 1);
    gradient = made(chosen.size(), 1);
  }
  std::vector<std::int32_t> query_offsets, key_offsets;
  std::vector<std::int64_t> samples;
  std::int64_t longest_queries = 0, longest_keys = 0;
  at::Tensor query, key, value, gradient;
};

constexpr std::array kNames{"output",         "log sum",   "query gradient", "key gradient",
                            "value gradient", "query sum", "key sum",        "value sum"};
using Results = std::vector<at::Tensor>;

// Everything lies as it does in a layer: query, key and value side by side, or keys and values
// where few rows ask. Results stand between values that nobody may touch.
Results attention(const TestPlace& place, const Shape& shape, double rate) {
  const Inputs given(shape);
  const bool few = shape.each > 1;
  const auto hidden = shape.heads * kSize, queries = given.query.size(0), keys = given.key.size(0);
  const auto options = place.options(at::kBFloat16);
  const auto together = (few ? at::cat({given.key, given.value}, 1)
                             : at::cat({given.query, given.key, given.value}, 1))
                            .to(options);
  const auto asking = few ? given.query.to(options) : together.narrow(1, 0, hidden);
  const auto first = few ? 0 : hidden;
  const auto result = at::full({queries + 1, hidden}, 77, options);
  const auto gradient = given.gradient.to(options);
  const auto log_sum = at::full({shape.heads, queries}, 77, place.options(at::kFloat));
  const auto products = at::full({shape.heads, queries}, 77, place.options(at::kFloat));
  const auto sums = at::zeros({3, hidden}, place.options(at::kFloat));
  const auto gradients = at::full({keys + 1, together.size(1)}, 77, options);
  const auto query_gradients = few ? at::full({queries + 1, hidden}, 77, options) : gradients;
  const auto query_offsets = place.list(given.query_offsets),
             key_offsets = place.list(given.key_offsets), samples = place.list(given.samples);
  FlashAttentionJob job{.query_offsets = pointer<std::int32_t>(query_offsets),
                        .key_offsets = pointer<std::int32_t>(key_offsets),
                        .samples = pointer<std::uint64_t>(samples),
                        .sequences = samples.numel(),
                        .query_count = queries,
                        .longest_queries = given.longest_queries,
                        .longest_keys = given.longest_keys,
                        .heads = shape.heads,
                        .query = pointer<Bf16>(asking),
                        .key = pointer<Bf16>(together) + first,
                        .value = pointer<Bf16>(together) + first + hidden,
                        .query_row = asking.stride(0),
                        .key_row = together.stride(0),
                        .log_sum = pointer<float>(log_sum),
                        .output = pointer<Bf16>(result),
                        .dropout = {kDropout.seed, kDropout.step, kDropout.site, rate}};
  flash_attention_forward(job, place.place());
  job.output_gradient = pointer<Bf16>(gradient);
  job.products = pointer<float>(products);
  job.query_gradient = pointer<Bf16>(query_gradients);
  job.key_gradient = pointer<Bf16>(gradients) + first;
  job.value_gradient = pointer<Bf16>(gradients) + first + hidden;
  job.query_sum = pointer<float>(sums);
  job.key_sum = pointer<float>(sums) + hidden;
  job.value_sum = pointer<float>(sums) + 2 * hidden;
  flash_attention_backward(job, place.place());
  for (const auto& guarded : {result, gradients, query_gradients}) {
    const auto rows = guarded.size(0) - 1;
    EXPECT_TRUE((guarded.narrow(0, rows, 1) == 77).all().item<bool>());
  }
  const auto of = [&](const at::Tensor& all, std::int64_t column, std::int64_t rows) {
    return all.narrow(0, 0, rows).narrow(1, column, hidden).cpu();
  };
  return {of(result, 0, queries),
          log_sum.cpu(),
          of(query_gradients, 0, queries),
          of(gradients, first, keys),
          of(gradients, first + hidden, keys),
          sums[0].cpu(),
          sums[1].cpu(),
          sums[2].cpu()};
}

// What dropout multiplies scores by, from its definition: [heads, queries, keys].
at::Tensor multipliers(const Shape& shape, std::int64_t queries, std::int64_t keys,
                       std::int64_t sample, double rate) {
  auto mask = at::ones({shape.heads, queries, keys}, at::kDouble);
  if (rate == 0) return mask;
  const auto row = dropout_row(0, {kDropout.seed, kDropout.step, kDropout.site, 0, rate, 0});
  const auto limit = static_cast<std::uint32_t>(std::lround(rate * 256));
  auto at = mask.accessor<double, 3>();
  const auto number = static_cast<std::uint64_t>(sample);
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    for (std::int64_t q = 0; q < queries; ++q) {
      for (std::int64_t k = 0; k < keys; ++k) {
        const auto words = philox_block(
            {static_cast<std::uint32_t>(q / 16 * 65536 + k / 16),
             static_cast<std::uint32_t>(h * 16 + q % 8 / 2 * 4 + k % 8 / 2),
             static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)},
            row.key0, row.key1, 7);
        const auto word = (q + k / 16) % 2 * 2 + q % 16 / 8,
                   part = k % 16 / 8 * 2 + (k + q / 16) % 2;
        const auto byte = (words[static_cast<std::size_t>(word)] >> (part * 8)) & 255U;
        at[h][q][k] = byte < limit ? 0 : 256.0 / (256 - limit);
      }
    }
  }
  return mask;
}

// Gradients come from autograd, less one thing: the kernels take the product of output and gradient
// from the output as they have stored it, rounded, and where few keys have all the weight this
// shows.
Results exact_attention(const Shape& shape, double rate, const at::Tensor& stored) {
  const Inputs given(shape);
  const auto hidden = shape.heads * kSize;
  const auto gradient = given.gradient.to(at::kDouble);
  std::vector<at::Tensor> inputs, results, log_sums, of_rounding;
  for (const auto& input : {given.query, given.key, given.value}) {
    inputs.push_back(input.to(at::kDouble).requires_grad_(true));
    of_rounding.push_back(at::zeros_like(inputs.back()));
  }
  std::vector<at::Tensor> outputs;
  for (std::size_t s = 0; s < shape.lengths.size(); ++s) {
    const auto part = [&](const at::Tensor& all, const std::vector<std::int32_t>& offsets) {
      const auto rows = offsets[s + 1] - offsets[s];
      return all.narrow(0, offsets[s], rows).view({rows, shape.heads, kSize}).transpose(0, 1);
    };
    const auto query = part(inputs[0], given.query_offsets);
    const auto key = part(inputs[1], given.key_offsets);
    const auto scores = query.matmul(key.transpose(1, 2)) / 8;
    const auto mask = multipliers(shape, scores.size(1), scores.size(2), given.samples[s], rate);
    const auto weights = scores.softmax(-1);
    const auto output = (weights * mask).matmul(part(inputs[2], given.key_offsets));
    outputs.push_back(output.transpose(0, 1).reshape({-1, hidden}));
    log_sums.push_back(scores.logsumexp(-1) / std::log(2.0));

    const at::NoGradGuard none;
    const auto rounding = output - part(stored.to(at::kDouble), given.query_offsets);
    const auto slopes =
        weights * (rounding * part(gradient, given.query_offsets)).sum(-1, true) / 8;
    part(of_rounding[0], given.query_offsets) += slopes.matmul(key);
    part(of_rounding[1], given.key_offsets) += slopes.transpose(1, 2).matmul(query);
  }
  const auto output = at::cat(outputs);
  output.backward(gradient);
  results = {output.detach(), at::cat(log_sums, 1).detach()};
  for (std::size_t i = 0; i < 3; ++i) results.push_back(inputs[i].grad() + of_rounding[i]);
  for (std::size_t i = 2; i < 5; ++i) results.push_back(results[i].sum(0));
  return results;
}

class FlashAttention : public testing::TestWithParam<KernelDevice> {
 protected:
  void SetUp() override {
    if (GetParam() == KernelDevice::cuda && !cuda_here()) GTEST_SKIP() << "no CUDA device";
  }
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {{1, 40}, 1},       {{31, 33, 1, 64, 65}, 3}, {{128, 127}, 2},
      {{129, 200}, 1, 3}, {{512, 3, 257}, 2, 0.3},  {{160, 500, 2}, 2, 2, 7}};
  return all;
}

// Errors in proportion to the largest number: four roundings of bf16, of the logarithms some of
// fp32. Sums over rows, which cancel (the keys' to nothing), in proportion to the sum of sizes:
// one.
TEST_P(FlashAttention, IsThatOfDouble) {
  const std::array bounds{0x1p-7, 1e-5, 0x1p-7, 0x1p-7, 0x1p-7, 0x1p-9, 0x1p-9, 0x1p-9};
  for (const auto& shape : shapes()) {
    for (const double rate : {0.0, 0.1, 0.75}) {
      SCOPED_TRACE(testing::Message() << shape.lengths.size() << " sequences, the first of "
                                      << shape.lengths[0] << ", dropout " << rate);
      const auto ours = attention(TestPlace(GetParam()), shape, rate);
      const auto exact = exact_attention(shape, rate, ours[0]);
      for (std::size_t i = 0; i < exact.size(); ++i) {
        const auto sizes = i < 5 ? exact[i].abs() : exact[i - 3].abs().sum(0);
        const double size = sizes.max().item<double>();
        const double error = (ours[i].to(at::kDouble) - exact[i]).abs().max().item<double>();
        EXPECT_LE(error, bounds[i] * std::max(size, 1e-3)) << kNames[i];
      }
    }
  }
}

TEST_P(FlashAttention, GivesTheSameBitsEveryTime) {
  const Shape shape{{300, 129, 5}, 2};
  const auto once = attention(TestPlace(GetParam()), shape, 0.1);
  const auto again = attention(TestPlace(GetParam()), shape, 0.1);
  for (std::size_t i = 0; i < once.size(); ++i)
    EXPECT_TRUE(at::equal(once[i], again[i])) << kNames[i];
}

INSTANTIATE_TEST_SUITE_P(Twin, FlashAttention, testing::Values(KernelDevice::twin));
INSTANTIATE_TEST_SUITE_P(Gpu, FlashAttention, testing::Values(KernelDevice::cuda));

}  // namespace
}  // namespace bertha
