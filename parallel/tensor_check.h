// What a collective demands of its tensors, said as errors before anything travels.
#pragma once

#include <cstdint>
#include <source_location>
#include <span>

#include <ATen/core/Tensor.h>

#include "parallel/base/rank_info.h"

namespace bertha {

// Defined, contiguous, and of a type that collectives know. Error{internal}.
void check_collective_tensor(const at::Tensor& tensor, const char* name,
                             std::source_location where = std::source_location::current());

// parts[r] elements of `values` for every rank, all of them together. Error{internal}.
void check_cut(const at::Tensor& values, std::span<const std::int64_t> parts, const RankInfo& rank,
               std::source_location where = std::source_location::current());

// Two tensors of one size, type and device that do not overlap, of world_size parts each; returns
// the elements of a part. Error{internal}.
std::int64_t check_exchange(const at::Tensor& input, const at::Tensor& output, const RankInfo& rank,
                            std::source_location where = std::source_location::current());

// A rank of this communicator. Error{internal}.
void check_root(int root, const RankInfo& rank,
                std::source_location where = std::source_location::current());

}  // namespace bertha
