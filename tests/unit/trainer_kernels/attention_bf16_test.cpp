// Attention in bf16 of every instruction set this CPU has, against its formula in double.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "instruction_sets.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha {
namespace {

using Doubles = std::vector<double>;

float widened(Bf16 value) {
  const auto bits = static_cast<std::uint32_t>(value.bits) << 16;
  float wide = 0;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}
std::vector<Bf16> cut(const std::vector<float>& values) {
  std::vector<Bf16> result;
  for (const float value : values) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    result.push_back({static_cast<std::uint16_t>(bits >> 16)});
  }
  return result;
}

struct Case {
  std::int64_t length, size;
  double rate = 0;
  bool some = false;  // every third row and the last attend

  std::string name() const {
    return fmt::format("{} x {}, dropout {}, some {}", length, size, rate, some);
  }
  std::vector<std::int64_t> queries() const {
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < length; ++row) {
      if (!some || row % 3 == 0 || row == length - 1) rows.push_back(row);
    }
    return rows;
  }
};

// Two heads of one sequence that stands behind two rows of another; the second is looked at.
constexpr std::int64_t kHeads = 2, kBefore = 2;

// What goes in: a value of row, part (query, key, value; 3: gradient of the output) and column.
struct Inputs {
  explicit Inputs(const Case& c)
      : hidden(kHeads * c.size),
        mixed(cut(waves((kBefore + c.length) * 3 * hidden, 0.4F, 1.5F))),
        gradient(cut(waves((kBefore + c.length) * hidden, 0.9F))),
        bias(waves(3 * hidden, 1.1F, 0.5F)) {}
  double at(std::int64_t row, std::int64_t part, std::int64_t column) const {
    const auto own = static_cast<std::size_t>(part % 3 * hidden + hidden / 2 + column);
    const auto line = static_cast<std::size_t>(kBefore + row);
    if (part == 3) return widened(gradient[line * static_cast<std::size_t>(hidden) + own]);
    return static_cast<double>(widened(mixed[line * static_cast<std::size_t>(3 * hidden) + own])) +
           bias[own];
  }

  std::int64_t hidden;
  std::vector<Bf16> mixed, gradient;  // [rows, 3 * hidden], [rows, hidden]
  std::vector<float> bias;
};

FusedDropout dropout_of(const Case& c) {
  return {.seed = 7, .step = 3, .site = 4, .rate = c.rate};
}
constexpr std::uint64_t kSamples[] = {5, 1ULL << 40};

// Multipliers of the second head's probabilities.
std::vector<float> multipliers(const Case& c) {
  std::vector<float> mask(static_cast<std::size_t>(c.length * c.length), 1.0F);
  if (c.rate > 0) {
    dropout_mask(mask.data(), c.length, c.length, c.length,
                 {.seed = 7,
                  .step = 3,
                  .site = 4,
                  .sample = kSamples[1],
                  .rate = c.rate,
                  .first_row = c.length});
  }
  return mask;
}

// What comes out: of the queries' rows (output, log sums, gradient) or of all (the others).
struct Results {
  Doubles output, log_sum, query, key, value;
  Doubles sums;  // of the gradients' columns: query, key, value

  bool operator==(const Results&) const = default;
};

// Sums of products, and beside each the root of the sum of its terms' squares: what independent
// errors of the terms add up to. A difference counts as the sum of both sides.
struct Sums {
  explicit Sums(std::size_t count) : values(count), squares(count) {}
  void add(std::size_t at, double factor, double factor_size, double other) {
    values[at] += factor * other;
    squares[at] += factor_size * factor_size * other * other;
  }
  Doubles values, squares;
};
struct Exact {
  explicit Exact(const Case& c)
      : output(c.queries().size() * width(c)), query(output), key(rows(c)), value(rows(c)) {}
  static std::size_t width(const Case& c) { return static_cast<std::size_t>(c.size); }
  static std::size_t rows(const Case& c) { return static_cast<std::size_t>(c.length) * width(c); }

  Sums output, query, key, value;
  Doubles log_sum;
  double score_size = 0;  // the largest sum of absolute products that a score is made of
};

// A query's probabilities, and gradients of its scores with their sizes as above.
struct ExactRow {
  Doubles kept, gradients, sizes;
};
ExactRow exact_row(const Case& c, const Inputs& in, std::int64_t query, const float* mask,
                   Exact& out) {
  const double scale = 1 / std::sqrt(static_cast<double>(c.size));
  const auto length = static_cast<std::size_t>(c.length);
  ExactRow row{Doubles(length), Doubles(length), Doubles(length)};
  Doubles flow(length);
  for (std::size_t k = 0; k < length; ++k) {
    const auto key = static_cast<std::int64_t>(k);
    double size = 0;
    for (std::int64_t i = 0; i < c.size; ++i) {
      const double product = in.at(query, 0, i) * in.at(key, 1, i) * scale;
      row.kept[k] += product;
      size += std::abs(product);
      flow[k] += in.at(query, 3, i) * in.at(key, 2, i) * mask[k];
    }
    out.score_size = std::max(out.score_size, size);
  }
  const double highest = *std::max_element(row.kept.begin(), row.kept.end());
  double total = 0, mean = 0, mean_size = 0;
  for (const double score : row.kept) total += std::exp(score - highest);
  out.log_sum.push_back(highest + std::log(total));
  for (std::size_t k = 0; k < length; ++k) {
    row.kept[k] = std::exp(row.kept[k] - highest) / total;
    mean += row.kept[k] * flow[k];
    mean_size += row.kept[k] * std::abs(flow[k]);
  }
  for (std::size_t k = 0; k < length; ++k) {
    row.gradients[k] = row.kept[k] * (flow[k] - mean);
    row.sizes[k] = row.kept[k] * (std::abs(flow[k]) + mean_size);
    row.kept[k] *= mask[k];
  }
  return row;
}

Exact exact(const Case& c, const Inputs& in) {
  const double scale = 1 / std::sqrt(static_cast<double>(c.size));
  const auto size = Exact::width(c);
  const auto mask = multipliers(c);
  Exact out(c);
  const auto queries = c.queries();
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto row = exact_row(c, in, queries[q], mask.data() + queries[q] * c.length, out);
    for (std::size_t k = 0; k < row.kept.size(); ++k) {
      for (std::size_t i = 0; i < size; ++i) {
        const auto key = static_cast<std::int64_t>(k), column = static_cast<std::int64_t>(i);
        const std::size_t to_query = q * size + i, to_key = k * size + i;
        out.output.add(to_query, row.kept[k], row.kept[k], in.at(key, 2, column));
        out.value.add(to_key, row.kept[k], row.kept[k], in.at(queries[q], 3, column));
        out.query.add(to_query, row.gradients[k], row.sizes[k], in.at(key, 1, column) * scale);
        out.key.add(to_key, row.gradients[k], row.sizes[k], in.at(queries[q], 0, column) * scale);
      }
    }
  }
  return out;
}

// Columns [begin, begin + count) of every row of a matrix, from row kBefore on.
Doubles columns_of(const std::vector<Bf16>& matrix, std::int64_t row, std::int64_t begin,
                   std::int64_t count) {
  Doubles result;
  for (std::size_t at = kBefore * static_cast<std::size_t>(row); at < matrix.size(); ++at) {
    const auto column = static_cast<std::int64_t>(at) % row - begin;
    if (column >= 0 && column < count) result.push_back(widened(matrix[at]));
  }
  return result;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The kernels' answer. `leftover`: what scratch memory is full of.
Results computed(const VectorKernelSet& set, const Case& c, const Inputs& in, float leftover) {
  const auto rows = kBefore + c.length, hidden = in.hidden;
  const std::int32_t offsets[] = {0, kBefore, static_cast<std::int32_t>(rows)};
  auto queries = c.queries();
  for (auto& query : queries) query += kBefore;
  queries.insert(queries.begin(), {0, 1});
  const auto count = static_cast<std::int64_t>(queries.size());
  const std::int32_t query_offsets[] = {0, kBefore, static_cast<std::int32_t>(count)};
  const std::int64_t parts = c.some ? 2 : 3;
  std::vector<Bf16> mixed, query_values, flow;  // of some queries: key and value, query, gradient
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto first = in.mixed.begin() + row * 3 * hidden;
    mixed.insert(mixed.end(), first + (3 - parts) * hidden, first + 3 * hidden);
  }
  for (const auto row : queries) {
    const auto first = in.mixed.begin() + row * 3 * hidden;
    query_values.insert(query_values.end(), first, first + hidden);
    const auto gradient = in.gradient.begin() + row * hidden;
    flow.insert(flow.end(), gradient, gradient + hidden);
  }
  std::vector<Bf16> output(flow.size());
  std::vector<float> log_sum(static_cast<std::size_t>(kHeads * count)), sums(in.bias.size());
  std::vector<float> scratch(static_cast<std::size_t>(set.attention_scratch(c.length, c.size)));
  const auto refill = [&] {
    std::fill(scratch.begin(), scratch.end(), leftover);
    return scratch.data();
  };
  const float* bias = in.bias.data();
  AttentionJob<Bf16> job{.rows = {offsets, kSamples, 2},
                         .heads = kHeads,
                         .head_size = c.size,
                         .mixed = mixed.data(),
                         .bias = {bias, bias + hidden, bias + 2 * hidden},
                         .log_sum = log_sum.data(),
                         .output = output.data(),
                         .bias_gradient = {},
                         .dropout = dropout_of(c)};
  if (c.some) job.queries = {query_offsets, queries.data(), query_values.data()};
  const auto masks = row_masks(job.rows, 0, job.dropout);
  set.bf16.attention_forward(job, masks, 1, 1, refill());
  job.output = flow.data();
  set.bf16.attention_backward(job, masks, 1, 1, sums.data(), refill());

  Results out;
  const auto own = c.size;  // the second head's first column
  out.output = columns_of(output, hidden, own, own);
  out.log_sum.assign(log_sum.end() - (count - kBefore), log_sum.end());
  out.query = c.some ? columns_of(query_values, hidden, own, own)
                     : columns_of(mixed, parts * hidden, own, own);
  out.key = columns_of(mixed, parts * hidden, (parts - 2) * hidden + own, own);
  out.value = columns_of(mixed, parts * hidden, (parts - 1) * hidden + own, own);
  for (std::int64_t part = 0; part < 3; ++part) {
    const auto first = sums.begin() + part * hidden + own;
    out.sums.insert(out.sums.end(), first, first + own);
  }
  return out;
}

double norm(const Doubles& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}
double distance(Doubles values, const Doubles& others) {
  EXPECT_EQ(values.size(), others.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= others[i];
  return norm(values);
}

// Lengths about the blocks of 16 and 32 that products come in, heads of odd and of usual sizes.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t size : {1, 12, 32, 64, 96}) {
    for (const std::int64_t length : {1, 2, 31, 33, 65}) {
      for (const double rate : {0.0, 0.25}) {
        for (const bool some : {false, true}) all.push_back({length, size, rate, some});
      }
    }
  }
  all.push_back({512, 64, 0.1});
  all.push_back({512, 12, 0, true});
  return all;
}

constexpr double kRounding = 0x1p-8;  // of a number to bf16, at most

// A result is rounded once, its terms up to five times before (both sides of the scores, gradient
// of the score, both sides of the product), by a third of kRounding on average: 0.75 of it in the
// root.
void expect_close(const Doubles& got, const Sums& expected, const std::string& what) {
  double squares = 0;
  for (const double square : expected.squares) squares += square;
  EXPECT_LE(distance(got, expected.values),
            kRounding * (norm(expected.values) + std::sqrt(squares)))
      << what;
}

TEST(AttentionInBf16, MatchesItsFormula) {
  for (const auto& c : cases()) {
    const Inputs in(c);
    const auto expected = exact(c, in);
    for (const auto& set : sets_of_this_cpu()) {
      const auto where = set.name + ' ' + c.name();
      const auto got = computed(set.kernels, c, in, kNaN);
      expect_close(got.output, expected.output, where + ": output");
      expect_close(got.query, expected.query, where + ": query");
      expect_close(got.key, expected.key, where + ": key");
      expect_close(got.value, expected.value, where + ": value");
      // Both sides of a score are rounded; a log sum moves by as much as its scores, at most.
      ASSERT_EQ(got.log_sum.size(), expected.log_sum.size());
      for (std::size_t i = 0; i < got.log_sum.size(); ++i) {
        EXPECT_NEAR(got.log_sum[i], expected.log_sum[i],
                    kRounding * (2 + kRounding) * expected.score_size + 1e-5)
            << where;
      }
    }
  }
}

// Column sums are of the gradients before these are rounded.
TEST(AttentionInBf16, AddsUpColumnsOfTheGradients) {
  for (const auto& c : cases()) {
    const Inputs in(c);
    for (const auto& set : sets_of_this_cpu()) {
      const auto got = computed(set.kernels, c, in, kNaN);
      const auto size = static_cast<std::size_t>(c.size);
      const Doubles* gradients[] = {&got.query, &got.key, &got.value};
      for (std::size_t i = 0; i < 3 * size; ++i) {
        double sum = 0, sizes = 0;
        for (std::size_t at = i % size; at < gradients[i / size]->size(); at += size) {
          sum += (*gradients[i / size])[at];
          sizes += std::abs((*gradients[i / size])[at]);
        }
        EXPECT_NEAR(got.sums[i], sum, kRounding * sizes + 1e-6) << set.name << ' ' << c.name();
      }
    }
  }
}

// Threads take heads in any order: what the last one left in memory must not matter.
TEST(AttentionInBf16, GivesTheSameBitsWhateverIsLeftInMemory) {
  for (const auto& c : cases()) {
    const Inputs in(c);
    for (const auto& set : sets_of_this_cpu()) {
      const auto one = computed(set.kernels, c, in, 0), other = computed(set.kernels, c, in, kNaN);
      EXPECT_TRUE(one == other) << set.name << ' ' << c.name();
    }
  }
}

}  // namespace
}  // namespace bertha
