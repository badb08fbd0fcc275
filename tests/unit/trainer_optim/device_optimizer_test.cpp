// The CUDA kernels of the optimizers over a whole flat space, against the CPU's optimizers: on the
// host everywhere, and on a GPU where there is one.
#include <cmath>

#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "optimizer_fixture.h"
#include "trainer/kernels/kernels.h"
#include "trainer/model/fused_pass.h"
#include "trainer/optim/flat_chunks.h"
#include "trainer/optim/flat_views.h"

namespace bertha {
namespace {

class DeviceOptimizer : public testing::TestWithParam<KernelDevice> {
 protected:
  void SetUp() override {
    if (GetParam() != KernelDevice::cuda) return;
    if (!cuda_kernels_built() || !at::detail::getCUDAHooks().hasCUDA()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  at::Device device() const { return GetParam() == KernelDevice::cuda ? at::kCUDA : at::kCPU; }
};

constexpr double kRate = 0.03, kScale = 0.5;
constexpr std::uint64_t kSeed = 9;
// Bounds that some parameters meet and others do not.
const TrustBounds kTrust{0, 0.9, 0.02, 0.3};

OptimizerOptions options_of(OptimizerName name, MomentPrecision moments) {
  OptimizerOptions options{name, 0.9, 0.99, 1e-6, 0.1};
  options.trust = kTrust;
  options.moments = moments;
  options.seed = kSeed;
  return options;
}

// Numbers of both kinds of job. `first_element`: where in the flat space the views begin.
template <class Job>
Job job_of(const FlatViews& views, std::int64_t step, std::int64_t first_element = 0) {
  Job job{};
  job.weights = views.weights.data_ptr<float>();
  job.gradient = views.gradient.const_data_ptr<float>();
  set_moments(job, views, kSeed, first_element);
  job.beta1 = 0.9;
  job.beta2 = 0.99;
  job.epsilon = 1e-6;
  job.weight_decay = 0.1;
  job.gradient_scale = kScale;
  job.step = step;
  return job;
}

// Trains both for some steps; `update` does one step on the device.
template <class Update>
void compare(const OptimizerOptions& options, at::Device device, FlatRange owned, Update update) {
  const auto space = optimizer_space();
  const auto theirs = make_optimizer(options, *space, owned, {});
  auto ours = owned_views(*space, owned, options.moments);
  for (auto* tensor : {&ours.weights, &ours.first_moment, &ours.second_moment}) {
    *tensor = tensor->to(device, tensor->scalar_type(), false, /*copy=*/true);
  }
  const DeviceChunks chunks(parameter_parts(*space, owned), owned, device);
  for (int step = 1; step <= 5; ++step) {
    fill_gradient(*space, step);
    ours.gradient = space->gradient().slice(0, owned.begin, owned.end).to(device);
    theirs->step(step, kRate, kScale);
    update(ours, chunks, step);
  }
  const auto expected = space->master().slice(0, owned.begin, owned.end);
  EXPECT_LE((ours.weights.cpu() - expected).abs().max().item<double>(), 2e-6);
  for (const auto& moment : theirs->moments()) {
    const auto& got = moment.name == "exp_avg" ? ours.first_moment : ours.second_moment;
    // Rounded ones may fall on the other side where the fp32 result differs in its last bit.
    const double bound = options.moments == MomentPrecision::bf16 ? 4e-3 : 1e-7;
    const auto distance = (got.cpu().to(at::kFloat) - moment.values.to(at::kFloat)).abs();
    EXPECT_LE(distance.max().item<double>(), bound) << moment.name;
    EXPECT_LE(distance.gt(1e-7).to(at::kFloat).mean().item<double>(), 1e-3) << moment.name;
  }
}

TEST_P(DeviceOptimizer, AdamWAsOnTheCpu) {
  const auto space = optimizer_space();
  for (const auto moments : {MomentPrecision::fp32, MomentPrecision::bf16}) {
    for (const auto owned : {FlatRange{0, space->size()}, FlatRange{100, 1000}}) {
      compare(options_of(OptimizerName::adamw, moments), device(), owned,
              [&](const FlatViews& views, const DeviceChunks& chunks, int step) {
                auto job = job_of<AdamWJob>(views, step, owned.begin);
                job.learning_rate = kRate;
                adamw_update(job, chunks.view(), chunks.place(GetParam()));
              });
    }
  }
}

TEST_P(DeviceOptimizer, LambAsOnTheCpu) {
  const auto space = optimizer_space();
  for (const auto moments : {MomentPrecision::fp32, MomentPrecision::bf16}) {
    compare(options_of(OptimizerName::lamb, moments), device(), {0, space->size()},
            [&](const FlatViews& views, const DeviceChunks& chunks, int step) {
              auto job = job_of<LambJob>(views, step);
              job.trust = kTrust;
              const auto memory = chunks.sums();
              auto* sums = static_cast<LambSums*>(memory.data_ptr());
              const auto place = chunks.place(GetParam());
              lamb_moments(job, chunks.view(), sums, place);
              lamb_weights(job, chunks.view(), sums, kRate, place);
            });
  }
}

TEST_P(DeviceOptimizer, SumsOfSquares) {
  for (const std::int64_t count : {1, 31, 2048, 2049, 5000000}) {
    const auto values = at::sin(at::arange(count, at::kDouble) * 0.37).to(at::kFloat);
    const double expected = sum_of_squares(values.data_ptr<float>(), count);
    const auto there = values.to(device());
    const auto options = there.options().dtype(at::kDouble);
    const auto scratch = at::empty({count / 1024 + 8}, options), sum = at::empty({1}, options);
    auto place = kernel_place(GetParam(), there);
    place.scratch = static_cast<float*>(scratch.data_ptr());
    place.scratch_floats = 2 * scratch.numel();
    sum_of_squares(there.data_ptr<float>(), count, sum.data_ptr<double>(), place);
    EXPECT_NEAR(sum.item<double>(), expected, 1e-12 * expected) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(Twin, DeviceOptimizer, testing::Values(KernelDevice::twin));
INSTANTIATE_TEST_SUITE_P(Gpu, DeviceOptimizer, testing::Values(KernelDevice::cuda));

}  // namespace
}  // namespace bertha
