// In the order of ranks, so all ranks get the same bits.
#include "tests/support/fake_nccl/reduction.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <c10/util/BFloat16.h>

namespace fake_nccl {
namespace {

constexpr std::size_t kBlock = 1 << 16;  // elements at a time: buffers may be most of the memory

template <class Value>
void reduce_as(ncclRedOp_t op, std::span<const std::byte* const> inputs, std::size_t count,
               void* output) {
  std::vector<Value> total(std::min(count, kBlock)), next(total.size());
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const auto size = std::min(kBlock, count - begin);
    for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
      std::memcpy(static_cast<void*>(next.data()), inputs[rank] + begin * sizeof(Value),
                  size * sizeof(Value));
      for (std::size_t i = 0; i < size; ++i) {
        if (rank == 0) {
          total[i] = next[i];
        } else if (op == ncclSum) {
          total[i] = static_cast<Value>(total[i] + next[i]);
        } else {
          total[i] = op == ncclMax ? std::max(total[i], next[i]) : std::min(total[i], next[i]);
        }
      }
    }
    std::memcpy(static_cast<std::byte*>(output) + begin * sizeof(Value), total.data(),
                size * sizeof(Value));
  }
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

void reduce(ncclDataType_t type, ncclRedOp_t op, std::span<const std::byte* const> inputs,
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
