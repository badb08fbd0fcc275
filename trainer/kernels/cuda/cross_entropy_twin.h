// Softmax cross entropy: forward a warp per row in one pass (Milakov & Gimelshein, "Online
// normalizer calculation for softmax", 2018), backward by columns.
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

struct RowLoss {
  float loss, correct;
};

template <class T, bool kAligned>
struct CrossEntropyWork {
  CrossEntropyJob<T> job;
  RowLoss* losses;  // [rows]

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t row, const W& warp, float*) const {
    const T* logits = job.logits + row * job.logit_row;
    const std::int64_t label = job.labels[row];
    const float own = value_of(logits[label]) + job.bias[label];
    typename W::template PerLane<float> tops(own), sums(0.0F);
    warp.over(job.columns, [&](Octets at) {
      Octet x = load<kAligned>(logits + at.column, at.count);
      add(x, load<kAligned>(job.bias + at.column, at.count));
      float top = tops[at.lane];
      for (int i = 0; i < kOctet; ++i) top = i < at.count && x.at[i] > top ? x.at[i] : top;
      float sum = sums[at.lane] * exponential<T>(tops[at.lane] - top);
      for (int i = 0; i < kOctet; ++i) sum += i < at.count ? exponential<T>(x.at[i] - top) : 0.0F;
      tops[at.lane] = top;
      sums[at.lane] = sum;
    });
    auto every_top = tops;
    const float highest = largest_of(warp, every_top);
    warp.each_lane([&](int lane) { sums[lane] *= expf(tops[lane] - highest); });
    const float log_sum = highest + logf(total_of(warp, sums));
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      job.log_sum[row] = log_sum;
      losses[row] = {log_sum - own, highest > own ? 0.0F : 1.0F};
    });
  }
};

// One warp: all rows in a fixed order.
struct LossSumWork {
  const RowLoss* losses;
  std::int64_t rows;
  CrossEntropySums* sums;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t, const W& warp, float*) const {
    typename W::template PerLane<double> loss(0.0), correct(0.0);
    warp.each_lane([&](int lane) {
      for (std::int64_t row = lane; row < rows; row += kLanes) {
        loss[lane] += static_cast<double>(losses[row].loss);
        correct[lane] += static_cast<double>(losses[row].correct);
      }
    });
    const double loss_sum = total_of(warp, loss), correct_sum = total_of(warp, correct);
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      sums->loss += loss_sum;
      sums->correct += correct_sum;
    });
  }
};

template <class T, class Runner>
void cross_entropy_forward(const CrossEntropyJob<T>& job, const KernelPlace& place,
                           const Runner& runner) {
  require_scratch(place, 2 * job.row_count);
  auto* losses = reinterpret_cast<RowLoss*>(place.scratch);
  if (whole_rows(job.logit_row, job.logits, job.bias)) {
    runner.run(CrossEntropyWork<T, true>{job, losses}, job.row_count, 0);
  } else {
    runner.run(CrossEntropyWork<T, false>{job, losses}, job.row_count, 0);
  }
  runner.run(LossSumWork{losses, job.row_count, job.sums}, 1, 0);
}

template <class T>
struct CrossEntropyGradientStep {
  CrossEntropyJob<T> job;

  struct Column {
    Octet bias;
    float weight;
  };
  struct Row {
    Packed<T> logits;
    float log_sum;
    std::int64_t label;
  };
  static constexpr int kAhead = 4;
  static constexpr bool kTail = true;
  bool aligned(std::int64_t) const { return whole_rows(job.logit_row, job.logits, job.bias); }
  template <bool kAligned>
  BERTHA_TWIN Column column(std::int64_t column, int count) const {
    return {load<kAligned>(job.bias + column, count), *job.weight};
  }
  template <bool kAligned>
  BERTHA_TWIN Row fetch(std::int64_t row, std::int64_t column, int count) const {
    return {load_packed<kAligned>(job.logits + row * job.logit_row + column, count),
            job.log_sum[row], job.labels[row]};
  }
  template <bool kAligned>
  BERTHA_TWIN Octet finish(const Column& same, const Row& given, std::int64_t row,
                           std::int64_t column, int count) const {
    Octet x = unpacked(given.logits);
    add(x, same.bias);
    for (int i = 0; i < kOctet; ++i) {
      const float own = column + i == given.label ? 1.0F : 0.0F;
      x.at[i] = (exponential<T>(x.at[i] - given.log_sum) - own) * same.weight;
    }
    store<kAligned>(job.logits + row * job.logit_row + column, x, count);
    return x;
  }
};
template <class T, class Runner>
void cross_entropy_backward(const CrossEntropyJob<T>& job, const KernelPlace& place,
                            const Runner& runner) {
  sum_columns(CrossEntropyGradientStep<T>{job}, job.row_count, job.columns, job.bias_gradient,
              place, runner);
}

}  // namespace bertha::twin
