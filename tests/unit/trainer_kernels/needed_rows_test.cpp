// Kernels that are given some rows of a batch, in every instruction set: the bits that the same
// rows have among all of them, dropout included.
#include <vector>

#include <gtest/gtest.h>

#include "instruction_sets.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha {
namespace {

using Values = std::vector<float>;

// Columns [begin, begin + count) of the rows named, of a matrix of so many columns.
Values chosen(const Values& all, std::int64_t columns, const std::vector<std::int64_t>& rows,
              std::int64_t begin, std::int64_t count) {
  Values result;
  for (const auto row : rows) {
    const auto first = all.begin() + row * columns + begin;
    result.insert(result.end(), first, first + count);
  }
  return result;
}

// Sequences of 37, 1, 40 and 5 rows; nobody asks for rows of the second.
constexpr std::int64_t kRows = 83, kSequences = 4;
const std::vector<std::int32_t> kOffsets{0, 37, 38, 78, 83};
const std::vector<std::uint64_t> kSamples{9, 1ULL << 40, 3, 77};
const std::vector<std::int64_t> kNeeded{0, 5, 36, 38, 39, 40, 60, 61, 77, 82};
const std::vector<std::int32_t> kNeededOffsets{0, 3, 3, 9, 10};
constexpr FusedDropout kDropout{7, 3, 4, 0.25};

PackedRows all_rows() {
  return {kOffsets.data(), kSamples.data(), kSequences};
}
PackedRows needed_rows() {
  auto rows = all_rows();
  rows.numbers = kNeeded.data();
  return rows;
}

// What residual_norm gives for rows of `before` and `residual`: output, then normalised.
Values normalised(const VectorKernelSet& set, const PackedRows& rows, std::int64_t columns,
                  Values before, const Values& residual) {
  const auto count = static_cast<std::int64_t>(before.size()) / columns;
  const auto scale = waves(columns, 0.7F), shift = waves(columns, 0.2F), bias = waves(columns, 1);
  Values output(before.size()), deviation(static_cast<std::size_t>(count));
  Values scratch(static_cast<std::size_t>(2 * columns));
  const ResidualNormJob<float> job{.rows = rows,
                                   .row_count = count,
                                   .columns = columns,
                                   .values = before.data(),
                                   .bias = bias.data(),
                                   .residual = residual.data(),
                                   .scale = scale.data(),
                                   .shift = shift.data(),
                                   .inverse_deviation = deviation.data(),
                                   .output = output.data(),
                                   .epsilon = 1e-3,
                                   .dropout = kDropout};
  set.fp32.residual_norm_forward(job, row_masks(rows, columns, kDropout), {0, count},
                                 scratch.data());
  output.insert(output.end(), before.begin(), before.end());
  return output;
}

TEST(NeededRowsOfKernels, AreNormalisedAsAmongAllRows) {
  constexpr std::int64_t kColumns = 37;
  const auto before = waves(kRows * kColumns, 0.3F), residual = waves(kRows * kColumns, 2);
  for (const auto& set : sets_of_this_cpu()) {
    const auto all = normalised(set.kernels, all_rows(), kColumns, before, residual);
    auto rows = kNeeded;  // of the output, then of the normalised values behind it
    for (const auto row : kNeeded) rows.push_back(kRows + row);
    const auto ours = normalised(set.kernels, needed_rows(), kColumns,
                                 chosen(before, kColumns, kNeeded, 0, kColumns),
                                 chosen(residual, kColumns, kNeeded, 0, kColumns));
    EXPECT_EQ(ours, chosen(all, kColumns, rows, 0, kColumns)) << set.name;
  }
}

TEST(NeededRowsOfKernels, HaveTheGradientsOfNormsAmongAllRows) {
  constexpr std::int64_t kColumns = 37;
  const auto gradient = waves(kRows * kColumns, 0.3F), normal = waves(kRows * kColumns, 2);
  const auto inverse = waves(kRows, 0.1F), scale = waves(kColumns, 0.7F);
  const auto run = [&](const VectorKernelSet& set, const PackedRows& rows, const Values& own,
                       const Values& own_normal, const Values& own_inverse) {
    Values residual(own.size()), values(own.size()), sums(3 * kColumns), scratch(2 * kColumns);
    const auto count = static_cast<std::int64_t>(own_inverse.size());
    const ResidualNormGradientJob<float> job{.rows = rows,
                                             .row_count = count,
                                             .columns = kColumns,
                                             .output_gradient = own.data(),
                                             .more_output_gradient = nullptr,
                                             .normalised = own_normal.data(),
                                             .scale = scale.data(),
                                             .inverse_deviation = own_inverse.data(),
                                             .residual_gradient = residual.data(),
                                             .values_gradient = values.data(),
                                             .scale_gradient = nullptr,
                                             .shift_gradient = nullptr,
                                             .bias_gradient = nullptr,
                                             .dropout = kDropout};
    set.fp32.residual_norm_backward(job, row_masks(rows, kColumns, kDropout), {0, count},
                                    sums.data(), scratch.data());
    return values;
  };
  for (const auto& set : sets_of_this_cpu()) {
    const auto all = run(set.kernels, all_rows(), gradient, normal, inverse);
    const auto ours =
        run(set.kernels, needed_rows(), chosen(gradient, kColumns, kNeeded, 0, kColumns),
            chosen(normal, kColumns, kNeeded, 0, kColumns), chosen(inverse, 1, kNeeded, 0, 1));
    EXPECT_EQ(ours, chosen(all, kColumns, kNeeded, 0, kColumns)) << set.name;
  }
}

// Attention of two heads of 5 columns: forward, then backward from a gradient of the output.
constexpr std::int64_t kHeads = 2, kSize = 5, kHidden = kHeads * kSize;
struct Attended {
  Values output, mixed, queries;  // mixed and queries: their gradients
  Values bias_sums = Values(kSequences * 3 * kHidden, 0.0F);
};
Attended attend(const VectorKernelSet& set, Values mixed, Values queries, const Values& gradient) {
  const auto bias = waves(3 * kHidden, 1.1F);
  Attended result;
  result.output.resize(gradient.size());
  Values log_sum(gradient.size() / kHidden * kHeads);
  Values scratch(static_cast<std::size_t>(set.attention_scratch(40, kSize)));
  AttentionJob<float> job{.rows = all_rows(),
                          .heads = kHeads,
                          .head_size = kSize,
                          .mixed = mixed.data(),
                          .bias = {bias.data(), bias.data() + kHidden, bias.data() + 2 * kHidden},
                          .log_sum = log_sum.data(),
                          .output = result.output.data(),
                          .bias_gradient = {},
                          .dropout = kDropout};
  if (!queries.empty()) job.queries = {kNeededOffsets.data(), kNeeded.data(), queries.data()};
  const auto masks = row_masks(all_rows(), 0, kDropout);
  const auto each = [&](auto step) {
    for (std::int64_t s = 0; s < kSequences; ++s) {
      for (std::int64_t head = 0; head < kHeads; ++head) step(s, head);
    }
  };
  each([&](auto s, auto head) { set.fp32.attention_forward(job, masks, s, head, scratch.data()); });
  auto flowing = gradient;
  job.output = flowing.data();
  each([&](auto s, auto head) {
    set.fp32.attention_backward(job, masks, s, head, result.bias_sums.data() + s * 3 * kHidden,
                                scratch.data());
  });
  result.mixed = std::move(mixed);
  result.queries = std::move(queries);
  return result;
}

TEST(NeededRowsOfKernels, AttendAsAmongAllRows) {
  const auto mixed = waves(kRows * 3 * kHidden, 0.4F);
  std::vector<std::int64_t> everyone;
  for (std::int64_t row = 0; row < kRows; ++row) everyone.push_back(row);
  const auto needed_gradient = waves(static_cast<std::int64_t>(kNeeded.size()) * kHidden, 0.8F);
  Values gradient(kRows * kHidden, 0.0F);  // nothing flows to rows that nobody reads
  for (std::size_t i = 0; i < kNeeded.size(); ++i) {
    for (std::int64_t c = 0; c < kHidden; ++c) {
      gradient[static_cast<std::size_t>(kNeeded[i] * kHidden + c)] =
          needed_gradient[i * kHidden + static_cast<std::size_t>(c)];
    }
  }
  for (const auto& set : sets_of_this_cpu()) {
    const auto all = attend(set.kernels, mixed, {}, gradient);
    const auto ours =
        attend(set.kernels, chosen(mixed, 3 * kHidden, everyone, kHidden, 2 * kHidden),
               chosen(mixed, 3 * kHidden, kNeeded, 0, kHidden), needed_gradient);
    EXPECT_EQ(ours.output, chosen(all.output, kHidden, kNeeded, 0, kHidden)) << set.name;
    EXPECT_EQ(ours.queries, chosen(all.mixed, 3 * kHidden, kNeeded, 0, kHidden)) << set.name;
    EXPECT_EQ(ours.mixed, chosen(all.mixed, 3 * kHidden, everyone, kHidden, 2 * kHidden))
        << set.name;
    EXPECT_EQ(ours.bias_sums, all.bias_sums) << set.name;
  }
}

}  // namespace
}  // namespace bertha
