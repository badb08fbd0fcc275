// The CUDA kernels' lists of work against the CPU's kernels: on the host everywhere (twin), and on
// a GPU where there is one (tests named Gpu, label gpu).
#include <vector>

#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "kernel_inputs.h"

namespace bertha {
namespace {

// Results of one kernel by name.
using Results = std::vector<std::pair<const char*, at::Tensor>>;

struct Shape {
  std::vector<std::int32_t> lengths;
  std::int64_t columns;
};
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {{1}, 1},   {{3}, 7},       {{5, 1}, 8},         {{2}, 96},         {{70, 3, 1}, 100},
      {{17}, 33}, {{9, 20}, 768}, {{40, 1, 33}, 1000}, {{1500, 700}, 16}, {{4}, 4096}};
  return all;
}

template <class T>
Results residual_norm(const TestPlace& place, const Shape& shape, double rate) {
  const TestRows packed(place, shape.lengths);
  const auto rows = packed.count, columns = shape.columns;
  const auto values = place.values(rows, columns, 0.3, kTypeOf<T>);
  const auto residual = place.values(rows, columns, 2.0, kTypeOf<T>);
  const auto bias = place.values(1, columns, 1.1), scale = place.values(1, columns, 0.7);
  const auto shift = place.values(1, columns, 0.2);
  const auto output = at::empty_like(values), deviation = at::empty({rows}, scale.options());
  const FusedDropout dropout{7, 3, 4, rate};
  residual_norm_forward(
      ResidualNormJob<T>{packed.rows(), rows, columns, pointer<T>(values), pointer<float>(bias),
                         pointer<T>(residual), pointer<float>(scale), pointer<float>(shift),
                         pointer<float>(deviation), pointer<T>(output), 1e-3, dropout},
      place.place());

  const auto normalised = place.values(rows, columns, 0.9, kTypeOf<T>);
  const auto gradient = place.values(rows, columns, 0.1, kTypeOf<T>);
  const auto more = place.values(rows, columns, 0.6, kTypeOf<T>);
  const auto inverse = place.values(1, rows, 0.4).abs();
  const auto dropped = at::empty_like(values);
  const auto scale_sum = place.values(1, columns, 3.0), shift_sum = place.values(1, columns, 3.1);
  const auto bias_sum = place.values(1, columns, 3.2);
  residual_norm_backward(
      ResidualNormGradientJob<T>{packed.rows(), rows, columns, pointer<T>(gradient),
                                 pointer<T>(more), pointer<T>(normalised), pointer<float>(scale),
                                 pointer<float>(inverse), pointer<T>(gradient), pointer<T>(dropped),
                                 pointer<float>(scale_sum), pointer<float>(shift_sum),
                                 pointer<float>(bias_sum), dropout},
      place.place());
  return {{"normalised", values},        {"output", output},         {"deviation", deviation},
          {"gradient", gradient},        {"dropped", dropped},       {"scale", scale_sum},
          {"shift gradient", shift_sum}, {"bias gradient", bias_sum}};
}

template <class T>
Results activations(const TestPlace& place, const Shape& shape, Activation activation) {
  const TestRows packed(place, shape.lengths);
  const auto rows = packed.count, columns = shape.columns;
  const auto values = place.values(rows, columns, 0.3, kTypeOf<T>) * 4;
  const auto bias = place.values(1, columns, 1.1), bias_sum = place.values(1, columns, 1.3);
  const auto output = at::empty_like(values);
  const auto gradient = place.values(rows, columns, 0.8, kTypeOf<T>);
  activation_forward(ActivationJob<T>{activation, rows, columns, pointer<T>(values),
                                      pointer<float>(bias), pointer<T>(output)},
                     place.place());
  activation_backward(
      ActivationGradientJob<T>{activation, rows, columns, pointer<T>(values), pointer<T>(gradient),
                               pointer<float>(bias), pointer<float>(bias_sum)},
      place.place());
  return {{"output", output}, {"again", values}, {"gradient", gradient}, {"bias", bias_sum}};
}

template <class T>
Results cross_entropy(const TestPlace& place, const Shape& shape) {
  const auto rows = TestRows(place, shape.lengths).count, columns = shape.columns;
  // Rows farther apart than they are long, as the padded logits of CUDA.
  const auto logits = place.values(rows, columns + 6, 0.3, kTypeOf<T>) * 9;
  const auto bias = place.values(1, columns, 1.1), bias_sum = place.values(1, columns, 1.3);
  std::vector<std::int64_t> label_list;
  for (std::int64_t row = 0; row < rows; ++row) label_list.push_back(row * 31 % columns);
  const auto labels = place.list(label_list);
  const auto log_sum = at::empty({rows}, bias.options());
  const auto sums = at::full({2}, 0.5, bias.options().dtype(at::kDouble));
  const auto weight = at::full({1}, 0.25, bias.options());
  const CrossEntropyJob<T> job{rows,
                               columns,
                               columns + 6,
                               pointer<T>(logits),
                               pointer<float>(bias),
                               pointer<std::int64_t>(labels),
                               pointer<float>(log_sum),
                               pointer<CrossEntropySums>(sums),
                               pointer<float>(weight),
                               pointer<float>(bias_sum)};
  cross_entropy_forward(job, place.place());
  const auto kept = sums.clone();
  cross_entropy_backward(job, place.place());
  return {{"sums", kept}, {"log sum", log_sum}, {"gradient", logits}, {"bias", bias_sum}};
}

SortedIds sorted(const at::Tensor& ids, std::vector<at::Tensor>& kept) {
  auto [values, order] = at::sort(ids, true, 0, false);
  kept.insert(kept.end(), {values, order});
  return {pointer<std::int64_t>(values), pointer<std::int64_t>(order)};
}

template <class T>
Results embeddings(const TestPlace& place, const Shape& shape, std::int64_t vocabulary) {
  const TestRows packed(place, shape.lengths);
  const auto rows = packed.count, columns = shape.columns;
  std::vector<std::int64_t> token_list, segment_list, position_list;
  for (const auto length : shape.lengths) {
    for (std::int64_t i = 0; i < length; ++i) {
      token_list.push_back((i * i + length) % vocabulary);
      segment_list.push_back(2 * i > length ? 1 : 0);
      position_list.push_back(i);
    }
  }
  const auto tokens = place.list(token_list), segments = place.list(segment_list);
  const auto positions = place.list(position_list);
  const auto words = place.values(vocabulary, columns, 0.3, kTypeOf<T>);
  const auto segment_table = place.values(2, columns, 0.4, kTypeOf<T>);
  const auto position_table = place.values(packed.longest, columns, 0.5, kTypeOf<T>);
  const auto scale = place.values(1, columns, 0.7), shift = place.values(1, columns, 0.2);
  const auto normalised = at::empty({rows, columns}, words.options());
  const auto output = at::empty_like(normalised), deviation = at::empty({rows}, scale.options());
  const FusedDropout dropout{7, 3, 4, 0.1};
  embedding_forward(
      EmbeddingJob<T>{packed.rows(), columns, pointer<std::int64_t>(tokens),
                      pointer<std::int64_t>(segments), pointer<std::int64_t>(positions),
                      pointer<T>(words), pointer<T>(segment_table), pointer<T>(position_table),
                      pointer<float>(scale), pointer<float>(shift), pointer<T>(normalised),
                      pointer<float>(deviation), pointer<T>(output), 1e-3, dropout},
      place.place());

  const auto gradient = place.values(rows, columns, 0.1, kTypeOf<T>);
  const auto more = place.values(rows, columns, 0.6, kTypeOf<T>);
  const auto fixed = place.values(rows, columns, 0.9, kTypeOf<T>);
  const auto inverse = place.values(1, rows, 0.4).abs();
  const auto word_sum = place.values(vocabulary, columns, 1.0);
  const auto segment_sum = place.values(2, columns, 1.1);
  const auto position_sum = place.values(packed.longest, columns, 1.2);
  const auto scale_sum = place.values(1, columns, 1.3), shift_sum = place.values(1, columns, 1.4);
  std::vector<at::Tensor> kept;
  embedding_backward(EmbeddingGradientJob<T>{packed.rows(),
                                             columns,
                                             pointer<std::int64_t>(tokens),
                                             pointer<std::int64_t>(segments),
                                             pointer<std::int64_t>(positions),
                                             vocabulary > 1 ? 1 : -1,
                                             pointer<T>(gradient),
                                             pointer<T>(more),
                                             pointer<T>(fixed),
                                             pointer<float>(scale),
                                             pointer<float>(inverse),
                                             pointer<float>(word_sum),
                                             pointer<float>(segment_sum),
                                             pointer<float>(position_sum),
                                             pointer<float>(scale_sum),
                                             pointer<float>(shift_sum),
                                             dropout,
                                             {sorted(tokens, kept), sorted(segments, kept),
                                              sorted(positions, kept)}},
                     place.place());
  return {{"normalised", normalised},  {"output", output},   {"deviation", deviation},
          {"gradient", gradient},      {"words", word_sum},  {"segments", segment_sum},
          {"positions", position_sum}, {"scale", scale_sum}, {"shift", shift_sum}};
}

class DeviceKernels : public testing::TestWithParam<KernelDevice> {
 protected:
  void SetUp() override {
    if (GetParam() == KernelDevice::cuda && !cuda_here()) GTEST_SKIP() << "no CUDA device";
  }
  // `run` gives the results of a kernel at a place; sums over rows may differ more.
  template <class Run>
  void compare(Run run, double tolerance = 2e-5) {
    const auto theirs = run(TestPlace(KernelDevice::cpu)), ours = run(TestPlace(GetParam()));
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      expect_close(ours[i].second, theirs[i].second, theirs[i].first, tolerance);
    }
  }
};

TEST_P(DeviceKernels, NormaliseRows) {
  for (const auto& shape : shapes()) {
    SCOPED_TRACE(shape.columns);
    for (const double rate : {0.0, 0.3}) {
      compare([&](const TestPlace& place) { return residual_norm<float>(place, shape, rate); });
      compare([&](const TestPlace& place) { return residual_norm<Bf16>(place, shape, rate); });
    }
  }
}

TEST_P(DeviceKernels, Activate) {
  for (const auto& shape : shapes()) {
    SCOPED_TRACE(shape.columns);
    for (const auto kind : {Activation::gelu, Activation::gelu_tanh, Activation::relu}) {
      compare([&](const TestPlace& place) { return activations<float>(place, shape, kind); });
      compare([&](const TestPlace& place) { return activations<Bf16>(place, shape, kind); });
    }
  }
}

TEST_P(DeviceKernels, CrossEntropy) {
  for (const auto& shape : shapes()) {
    SCOPED_TRACE(shape.columns);
    compare([&](const TestPlace& place) { return cross_entropy<float>(place, shape); });
    compare([&](const TestPlace& place) { return cross_entropy<Bf16>(place, shape); });
  }
}

// Few words: runs of one id cross many stretches. Many: most ids stand alone.
TEST_P(DeviceKernels, Embed) {
  for (const auto& shape : shapes()) {
    for (const std::int64_t vocabulary : {1, 3, 700}) {
      SCOPED_TRACE(testing::Message() << shape.columns << " columns, " << vocabulary << " words");
      compare([&](const TestPlace& place) { return embeddings<float>(place, shape, vocabulary); });
      // A gradient may be rounded to the other neighbour, 2^-8 away, before it goes to the tables.
      compare([&](const TestPlace& place) { return embeddings<Bf16>(place, shape, vocabulary); },
              0x1p-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Twin, DeviceKernels, testing::Values(KernelDevice::twin));
INSTANTIATE_TEST_SUITE_P(Gpu, DeviceKernels, testing::Values(KernelDevice::cuda));

}  // namespace
}  // namespace bertha
