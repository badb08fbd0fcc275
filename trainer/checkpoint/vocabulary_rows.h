// Weights that have a row for each token, rearranged for another vocabulary. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// row_of[i] is the row that token i of the model has in `source`; below 0, or none of its rows: the
// token keeps what `destination` has (fresh weights). Word embeddings and the bias of the
// masked-word head are rearranged; where the model or the source lacks one, or it is of another
// width, it is left as it is.
void rearrange_vocabulary(std::vector<NamedTensor>& source,
                          const std::vector<NamedTensor>& destination,
                          const std::vector<std::int64_t>& row_of);

}  // namespace bertha
