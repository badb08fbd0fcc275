// Transfers of 2.2 GiB, whose bytes no int counts. By hand, since they want most of a machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "parallel/communicator.h"

namespace bertha::testing {

// Calls check(block, numbers) for the blocks of a float vector; numbers[i] is the element's place
// modulo 1009.
inline void for_blocks(const at::Tensor& values,
                       const std::function<void(at::Tensor, at::Tensor)>& check) {
  constexpr std::int64_t kBlock = 1 << 22;
  for (std::int64_t begin = 0; begin < values.numel(); begin += kBlock) {
    const auto end = std::min(values.numel(), begin + kBlock);
    check(values.slice(0, begin, end),
          at::remainder(at::arange(begin, end, at::kLong), 1009).to(at::kFloat));
  }
}

inline void fill_numbers(const at::Tensor& values, int plus) {
  for_blocks(values,
             [&](at::Tensor block, const at::Tensor& numbers) { block.copy_(numbers + plus); });
}

inline void expect_numbers(const at::Tensor& values, int times, int plus, const char* what) {
  std::int64_t wrong = 0;
  for_blocks(values, [&](const at::Tensor& block, const at::Tensor& numbers) {
    wrong += block.ne(numbers * times + plus).sum().item<std::int64_t>();
  });
  EXPECT_EQ(wrong, 0) << what << ": elements that are not what they should be";
}

// `place` puts a host tensor where the communicator wants it, sharing its memory; `finish` waits
// until everything is there. Two ranks take 14 GB.
inline void check_large_transfers(Communicator& communicator,
                                  const std::function<at::Tensor(const at::Tensor&)>& place,
                                  const std::function<void()>& finish) {
  constexpr std::int64_t kElements = (std::int64_t{22} << 30) / 40;
  const int rank = communicator.rank_info().rank, world = communicator.rank_info().world_size;
  {
    const auto values = at::empty({kElements});
    fill_numbers(values, rank);
    communicator.all_reduce(place(values), ReduceOp::sum)->wait();
    finish();
    expect_numbers(values, world, world * (world - 1) / 2, "all_reduce");
    fill_numbers(values, rank);
    communicator.broadcast(place(values), world - 1);
    finish();
    expect_numbers(values, 1, world - 1, "broadcast");
  }
  const auto all = at::empty({world * kElements});
  const auto part = [&](int owner) {
    return all.slice(0, owner * kElements, (owner + 1) * kElements);
  };
  const std::vector<std::int64_t> parts(static_cast<std::size_t>(world), kElements);
  // What a rank gets differs by 10 from what the next one gets.
  for (int owner = 0; owner < world; ++owner) fill_numbers(part(owner), rank + 10 * owner);
  communicator.reduce_scatter(place(all), parts)->wait();
  finish();
  expect_numbers(part(rank), world, world * (world - 1) / 2 + world * 10 * rank, "reduce_scatter");
  all.zero_();
  fill_numbers(part(rank), rank);
  communicator.all_gather(place(all), parts)->wait();
  finish();
  for (int other = 0; other < world; ++other) {
    expect_numbers(part(other), 1, other, "all_gather");
  }
}

}  // namespace bertha::testing
