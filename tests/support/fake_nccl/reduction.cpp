// In the order of ranks, so all ranks get the same bits.
#include "tests/support/fake_nccl/reduction.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <c10/util/BFloat16.h>

namespace fake_nccl {
namespace {

template <class Value>
void reduce_as(ncclRedOp_t op, std::span<const std::vector<std::byte>> inputs, std::size_t count,
               void* output) {
  std::vector<Value> total(count), next(count);
  for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
    if (count == 0) break;
    std::memcpy(static_cast<void*>(next.data()), inputs[rank].data(), count * sizeof(Value));
    for (std::size_t i = 0; i < count; ++i) {
      if (rank == 0) {
        total[i] = next[i];
      } else if (op == ncclSum) {
        total[i] = static_cast<Value>(total[i] + next[i]);
      } else {
        total[i] = op == ncclMax ? std::max(total[i], next[i]) : std::min(total[i], next[i]);
      }
    }
  }
  if (count > 0) std::memcpy(output, total.data(), count * sizeof(Value));
}

}  // namespace

std::size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclBfloat16:
      return 2;
    case ncclFloat32:
    case ncclInt32:
      return 4;
    case ncclFloat64:
    case ncclInt64:
      return 8;
    default:
      return 0;
  }
}

void reduce(ncclDataType_t type, ncclRedOp_t op, std::span<const std::vector<std::byte>> inputs,
            std::size_t count, void* output) {
  switch (type) {
    case ncclBfloat16:
      return reduce_as<c10::BFloat16>(op, inputs, count, output);
    case ncclFloat32:
      return reduce_as<float>(op, inputs, count, output);
    case ncclFloat64:
      return reduce_as<double>(op, inputs, count, output);
    case ncclInt32:
      return reduce_as<std::int32_t>(op, inputs, count, output);
    default:
      return reduce_as<std::int64_t>(op, inputs, count, output);
  }
}

}  // namespace fake_nccl
