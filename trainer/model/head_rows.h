// Which rows of the encoder's output the heads read: where it can, its last layer computes those
// alone (fused_layer.h).
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/packed_input.h"

namespace bertha {

// Rows by the head that reads them, int64, on the host unless said otherwise; undefined: it reads
// none.
struct HeadRows {
  at::Tensor first;   // [B]: the pooler, of each sequence
  at::Tensor masked;  // [M]: the MLM head
};

// Some rows of a packed batch.
struct RowSubset {
  at::Tensor rows;                    // [S] int64, ascending, none twice; undefined: all rows
  std::vector<std::int32_t> offsets;  // [B + 1], cumulative: which of them each sequence has

  std::int64_t longest() const;  // most rows of a sequence
};

// Everything the heads read. Error{bad_data}: a row that is not in the batch.
RowSubset rows_read(const HeadRows& heads, const PackedInput& input);
// Where in the subset these rows stand.
HeadRows places_in(const RowSubset& subset, const HeadRows& heads);
// The same numbers on a device: queued, not waited for.
at::Tensor rows_on(const at::Tensor& rows, at::Device device);
HeadRows rows_on(const HeadRows& heads, at::Device device);

}  // namespace bertha
