// AdamW and LAMB over chunks of the flat space, a warp per chunk. AdamW: unscaling, clipping,
// moments and weights in one pass. LAMB in two: moments and the norms of its trust ratios, then
// weights.
#pragma once

#include "trainer/kernels/cuda/moments_twin.h"
#include "trainer/kernels/cuda/sums_twin.h"
#include "trainer/kernels/cuda/trust_ratio_twin.h"

namespace bertha::twin {

// A chunk's elements as octets.
template <class W, class Step>
BERTHA_TWIN void over_chunk(const FlatChunk& chunk, const W& warp, Step step) {
  warp.over(chunk.count, [&](Octets at) {
    at.column += chunk.begin;
    step(at);
  });
}

struct AdamWWork {
  AdamWJob job;
  FlatChunks list;
  MomentNumbers numbers;
  double correction1;  // 1 - beta1^step

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const FlatChunk chunk = list.chunks[index];
    if (chunk.rate == 0) return;
    const double rate = job.learning_rate * chunk.rate;
    const auto kept = static_cast<float>(1.0 - rate * (chunk.decays ? job.weight_decay : 0.0));
    const auto minus_rate = static_cast<float>(-rate / correction1);
    over_chunk(chunk, warp, [&](Octets at) {
      const Octet gradient = load(job.gradient + at.column, at.count);
      OctetMoments moments = load_moments(job, at);
      Octet weights = load(job.weights + at.column, at.count);
      for (int i = 0; i < kOctet; ++i) {
        update_moments(gradient.at[i], numbers, moments.first.at[i], moments.second.at[i]);
        const float change = rounded_product(minus_rate, moments.first.at[i]) /
                             denominator(moments.second.at[i], numbers);
        weights.at[i] = rounded_product(weights.at[i], kept) + change;
      }
      store_moments(job, at, moments);
      store(job.weights + at.column, weights, at.count);
    });
  }
};

BERTHA_TWIN float lamb_update(const LambNumbers& n, bool decays, float weight, float first,
                              float second) {
  const float adam = rounded_product(first, n.correction1) / denominator(second, n.moments);
  return decays ? fmaf(n.decay, weight, adam) : adam;
}

// Moments, and each chunk's sums of squares.
struct LambMomentsWork {
  LambJob job;
  FlatChunks list;
  LambNumbers numbers;
  LambSums* chunk_sums;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const FlatChunk chunk = list.chunks[index];
    typename W::template PerLane<double> weight_sum(0.0), update_sum(0.0);
    over_chunk(chunk, warp, [&](Octets at) {
      const Octet gradient = load(job.gradient + at.column, at.count);
      const Octet weights = load(job.weights + at.column, at.count);
      OctetMoments moments = load_moments(job, at);
      for (int i = 0; i < kOctet; ++i) {
        update_moments(gradient.at[i], numbers.moments, moments.first.at[i], moments.second.at[i]);
        const double update = lamb_update(numbers, chunk.decays, weights.at[i], moments.first.at[i],
                                          moments.second.at[i]);
        const double weight = weights.at[i];
        weight_sum[at.lane] += i < at.count ? weight * weight : 0.0;
        update_sum[at.lane] += i < at.count ? update * update : 0.0;
      }
      store_moments(job, at, moments);
    });
    const LambSums sums{total_of(warp, weight_sum), total_of(warp, update_sum)};
    warp.each_lane([&](int lane) {
      if (lane == 0) chunk_sums[index] = sums;
    });
  }
};

struct LambSumsWork {
  const LambSums* chunk_sums;
  FlatChunks list;
  LambSums* sums;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t parameter, const W& warp, float*) const {
    typename W::template PerLane<double> weight_sum(0.0), update_sum(0.0);
    const std::int64_t end = list.first_of_each[parameter + 1];
    warp.each_lane([&](int lane) {
      for (std::int64_t i = list.first_of_each[parameter] + lane; i < end; i += kLanes) {
        weight_sum[lane] += chunk_sums[i].weights;
        update_sum[lane] += chunk_sums[i].update;
      }
    });
    const LambSums sum{total_of(warp, weight_sum), total_of(warp, update_sum)};
    warp.each_lane([&](int lane) {
      if (lane == 0) sums[parameter] = sum;
    });
  }
};

struct LambWeightsWork {
  LambJob job;
  FlatChunks list;
  LambNumbers numbers;
  const LambSums* sums;
  double learning_rate;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const FlatChunk chunk = list.chunks[index];
    if (chunk.rate == 0) return;
    const LambSums sum = sums[chunk.parameter];
    const double ratio = chunk.decays ? trust_ratio(sum, job.trust) : 1.0;
    const auto rate = static_cast<float>(learning_rate * ratio * chunk.rate);
    over_chunk(chunk, warp, [&](Octets at) {
      const OctetMoments moments = load_moments(job, at);
      Octet weights = load(job.weights + at.column, at.count);
      for (int i = 0; i < kOctet; ++i) {
        const float update = lamb_update(numbers, chunk.decays, weights.at[i], moments.first.at[i],
                                         moments.second.at[i]);
        weights.at[i] = fmaf(-rate, update, weights.at[i]);
      }
      store(job.weights + at.column, weights, at.count);
    });
  }
};

// The squares of one stretch, and then one warp for all stretches.
struct SquaresWork {
  const float* values;
  std::int64_t count;
  double* sums;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t begin = index * kFlatChunk;
    typename W::template PerLane<double> sum(0.0);
    warp.over(smaller(kFlatChunk, count - begin), [&](Octets at) {
      const Octet x = load(values + begin + at.column, at.count);
      for (int i = 0; i < kOctet; ++i) {
        sum[at.lane] += static_cast<double>(x.at[i]) * static_cast<double>(x.at[i]);
      }
    });
    const double all = total_of(warp, sum);
    warp.each_lane([&](int lane) {
      if (lane == 0) sums[index] = all;
    });
  }
};
// Adds up stretches of doubles; run again on its own results until one is left.
struct DoublesWork {
  const double* values;
  std::int64_t count;
  double* sums;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t begin = index * kFlatChunk;
    const std::int64_t end = smaller(count, begin + kFlatChunk);
    typename W::template PerLane<double> sum(0.0);
    warp.each_lane([&](int lane) {
      for (std::int64_t i = begin + lane; i < end; i += kLanes) sum[lane] += values[i];
    });
    const double all = total_of(warp, sum);
    warp.each_lane([&](int lane) {
      if (lane == 0) sums[index] = all;
    });
  }
};

template <class Runner>
void sum_of_squares(const float* values, std::int64_t count, double* sum, const KernelPlace& place,
                    const Runner& runner) {
  const std::int64_t stretches = (count + kFlatChunk - 1) / kFlatChunk;
  const std::int64_t groups = (stretches + kFlatChunk - 1) / kFlatChunk;
  require_scratch(place, 2 * (stretches + groups));
  auto* first = reinterpret_cast<double*>(place.scratch);
  double* second = first + stretches;
  runner.run(SquaresWork{values, count, first}, stretches, 0);
  runner.run(DoublesWork{first, stretches, second}, groups, 0);
  runner.run(DoublesWork{second, groups, sum}, 1, 0);
}

template <class Runner>
void adamw_update(const AdamWJob& job, const FlatChunks& list, const Runner& runner) {
  runner.run(AdamWWork{job, list, moment_numbers(job), bias_correction(job.beta1, job.step)},
             list.count, 0);
}
template <class Runner>
void lamb_moments(const LambJob& job, const FlatChunks& list, LambSums* sums,
                  const KernelPlace& place, const Runner& runner) {
  require_scratch(place, 4 * list.count);
  auto* chunk_sums = reinterpret_cast<LambSums*>(place.scratch);
  runner.run(LambMomentsWork{job, list, lamb_numbers(job), chunk_sums}, list.count, 0);
  runner.run(LambSumsWork{chunk_sums, list, sums}, list.parameters, 0);
}
template <class Runner>
void lamb_weights(const LambJob& job, const FlatChunks& list, const LambSums* sums,
                  double learning_rate, const Runner& runner) {
  runner.run(LambWeightsWork{job, list, lamb_numbers(job), sums, learning_rate}, list.count, 0);
}

}  // namespace bertha::twin
