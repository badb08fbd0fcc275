// Sums, maxima and minima over buffers of one NCCL type, rank by rank.
#pragma once

#include <cstddef>
#include <span>

#include <nccl.h>

namespace fake_nccl {

std::size_t size_of(ncclDataType_t type);  // 0: none that is known here

// inputs[r] is rank r's; all and the output, which may be one of them, hold `count` elements.
// bfloat16 is rounded after every addition.
void reduce(ncclDataType_t type, ncclRedOp_t op, std::span<const std::byte* const> inputs,
            std::size_t count, void* output);

}  // namespace fake_nccl
