// Attention of any type and head size, with the CPU's own dropout: a warp per query, and backward
// also one per key. For fp32, and for heads that nothing faster takes (fused_layer.h).
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

// One head of the sequence that a row belongs to.
template <class T>
struct HeadView {
  AttentionJob<T> job;
  TwinDropout dropout;
  RowPlace place;
  std::int64_t head;
  float scale;

  BERTHA_TWIN std::int64_t length() const { return place.end - place.begin; }
  BERTHA_TWIN std::int64_t hidden() const { return job.heads * job.head_size; }
  // Column c of query (part 0), key or value of a row of the sequence.
  BERTHA_TWIN float at(int part, std::int64_t row, std::int64_t c) const {
    const std::int64_t column = head * job.head_size + c;
    return value_of(job.mixed[((place.begin + row) * 3 + part) * hidden() + column]) +
           job.bias[part][column];
  }
  BERTHA_TWIN T& output(std::int64_t row, std::int64_t c) const {
    return job.output[(place.begin + row) * hidden() + head * job.head_size + c];
  }
  BERTHA_TWIN float& log_sum(std::int64_t row) const {
    return job.log_sum[head * job.rows.row_count + place.begin + row];
  }
  BERTHA_TWIN float score(std::int64_t query, std::int64_t key) const {
    float sum = 0;
    for (std::int64_t c = 0; c < job.head_size; ++c) sum += at(0, query, c) * at(1, key, c);
    return sum * scale;
  }
  BERTHA_TWIN float probability_gradient(std::int64_t query, std::int64_t key) const {
    float sum = 0;
    for (std::int64_t c = 0; c < job.head_size; ++c) {
      sum += value_of(output(query, c)) * at(2, key, c);
    }
    return sum;
  }
  BERTHA_TWIN Octet mask(std::int64_t query, std::int64_t key) const {
    if (!dropout.on) return filled(1.0F);
    return multipliers(dropout.numbers, place.sample,
                       static_cast<std::uint32_t>(head * length() + query), key);
  }
};
template <class T>
BERTHA_TWIN HeadView<T> head_view(const AttentionJob<T>& job, const TwinDropout& dropout,
                                  std::int64_t index) {
  return {job, dropout, place_of(job.rows, index / job.heads), index % job.heads,
          1.0F / sqrtf(static_cast<float>(job.head_size))};
}

template <class T>
struct AttentionWork {
  AttentionJob<T> job;
  TwinDropout dropout;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float* scores) const {
    const auto head = head_view(job, dropout, index);
    const std::int64_t query = head.place.number, length = head.length();
    typename W::template PerLane<float> tops(-INFINITY), sums(0.0F);
    warp.over(length, [&](Octets at) {
      for (int i = 0; i < at.count; ++i) {
        const float score = head.score(query, at.column + i);
        scores[at.column + i] = score;
        tops[at.lane] = score > tops[at.lane] ? score : tops[at.lane];
      }
    });
    const float highest = largest_of(warp, tops);
    warp.over(length, [&](Octets at) {
      const Octet mask = head.mask(query, at.column);
      for (int i = 0; i < at.count; ++i) {
        const float power = expf(scores[at.column + i] - highest);
        sums[at.lane] += power;
        scores[at.column + i] = power * mask.at[i];
      }
    });
    const float sum = total_of(warp, sums);
    head.log_sum(query) = highest + logf(sum);
    warp.wait();
    warp.over(job.head_size, [&](Octets at) {
      for (int i = 0; i < at.count; ++i) {
        float result = 0;
        for (std::int64_t key = 0; key < length; ++key) {
          result += scores[key] * head.at(2, key, at.column + i);
        }
        set_value(head.output(query, at.column + i), result / sum);
      }
    });
    warp.wait();  // before the next query's scores
  }
};
template <class T, class Runner>
void attention_forward(const AttentionJob<T>& job, const KernelPlace&, const Runner& runner) {
  runner.run(AttentionWork<T>{job, twin_dropout(job.dropout)}, job.rows.row_count * job.heads,
             round_up(job.rows.longest, kOctet));
}

// Gradient of a query, and the sum that its keys' gradients need.
template <class T>
struct QueryGradientWork {
  AttentionJob<T> job;
  TwinDropout dropout;
  float* products;  // [rows, heads]: sum over keys of probability and gradient

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float* memory) const {
    const auto head = head_view(job, dropout, index);
    const std::int64_t query = head.place.number, length = head.length();
    float *probabilities = memory, *gradients = memory + round_up(job.rows.longest, kOctet);
    const float log_sum = head.log_sum(query);
    typename W::template PerLane<float> sums(0.0F);
    warp.over(length, [&](Octets at) {
      const Octet mask = head.mask(query, at.column);
      for (int i = 0; i < at.count; ++i) {
        const std::int64_t key = at.column + i;
        probabilities[key] = expf(head.score(query, key) - log_sum);
        gradients[key] = head.probability_gradient(query, key) * mask.at[i];
        sums[at.lane] += probabilities[key] * gradients[key];
      }
    });
    const float product = total_of(warp, sums);
    products[index] = product;
    warp.wait();
    warp.over(job.head_size, [&](Octets at) {
      for (int i = 0; i < at.count; ++i) {
        float result = 0;
        for (std::int64_t key = 0; key < length; ++key) {
          result +=
              probabilities[key] * (gradients[key] - product) * head.at(1, key, at.column + i);
        }
        set_gradient(head, 0, query, at.column + i, result * head.scale);
      }
    });
    warp.wait();
  }

  BERTHA_TWIN static void set_gradient(const HeadView<T>& head, int part, std::int64_t row,
                                       std::int64_t c, float value) {
    const std::int64_t line = (head.place.begin + row) * 3 + part;
    set_value(head.job.mixed_gradient[line * head.hidden() + head.head * head.job.head_size + c],
              value);
  }
};

// Gradients of a key and its value. Memory: weights of this key in all queries, before and after
// dropout.
template <class T>
struct KeyGradientWork {
  AttentionJob<T> job;
  TwinDropout dropout;
  const float* products;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float* memory) const {
    const auto head = head_view(job, dropout, index);
    const std::int64_t key = head.place.number, length = head.length();
    float *dropped = memory, *gradients = memory + round_up(job.rows.longest, kOctet);
    warp.over(length, [&](Octets at) {
      for (int i = 0; i < at.count; ++i) {
        const std::int64_t query = at.column + i;
        const float mask = head.mask(query, key / kOctet * kOctet).at[key % kOctet];
        const float probability = expf(head.score(query, key) - head.log_sum(query));
        const float product = products[(head.place.begin + query) * job.heads + head.head];
        dropped[query] = probability * mask;
        gradients[query] =
            probability * (head.probability_gradient(query, key) * mask - product) * head.scale;
      }
    });
    warp.wait();
    warp.over(job.head_size, [&](Octets at) {
      for (int i = 0; i < at.count; ++i) {
        float to_key = 0, to_value = 0;
        for (std::int64_t query = 0; query < length; ++query) {
          to_key += gradients[query] * head.at(0, query, at.column + i);
          to_value += dropped[query] * value_of(head.output(query, at.column + i));
        }
        QueryGradientWork<T>::set_gradient(head, 1, key, at.column + i, to_key);
        QueryGradientWork<T>::set_gradient(head, 2, key, at.column + i, to_value);
      }
    });
    warp.wait();
  }
};

// Bias gradients are the column sums of the gradient.
template <class T>
struct MixedColumnStep {
  const T* gradient;
  std::int64_t columns;

  struct Column {};
  using Row = Packed<T>;
  static constexpr int kAhead = 4;
  static constexpr bool kTail = false;
  bool aligned(std::int64_t) const { return whole_rows(columns, gradient); }
  template <bool kAligned>
  BERTHA_TWIN Column column(std::int64_t, int) const {
    return {};
  }
  template <bool kAligned>
  BERTHA_TWIN Row fetch(std::int64_t row, std::int64_t column, int count) const {
    return load_packed<kAligned>(gradient + row * 3 * columns + column, count);
  }
  template <bool kAligned>
  BERTHA_TWIN Octet finish(const Column&, const Row& values, std::int64_t, std::int64_t,
                           int) const {
    return unpacked(values);
  }
};
template <class T, class Runner>
void attention_backward(const AttentionJob<T>& job, const KernelPlace& place,
                        const Runner& runner) {
  const std::int64_t count = job.rows.row_count * job.heads;
  require_scratch(place, count);
  const auto dropout = twin_dropout(job.dropout);
  const std::int64_t floats = 2 * round_up(job.rows.longest, kOctet);
  runner.run(QueryGradientWork<T>{job, dropout, place.scratch}, count, floats);
  runner.run(KeyGradientWork<T>{job, dropout, place.scratch}, count, floats);
  const std::int64_t hidden = job.heads * job.head_size;
  for (int part = 0; part < 3; ++part) {
    sum_columns(MixedColumnStep<T>{job.mixed_gradient + part * hidden, hidden}, job.rows.row_count,
                hidden, job.bias_gradient[part], place, runner);
  }
}

}  // namespace bertha::twin
