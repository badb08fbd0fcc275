// NCCL itself, on the one GPU there may be: a communicator of one rank, whose collectives change
// nothing, in every type, and in the order of the stream. Several ranks: ranks/bertha_fake_nccl.
#include <chrono>

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "parallel/nccl_communicator.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong, at::kBFloat16};
constexpr std::int64_t kSizes[] = {0, 1, 3, 1000, 25'000'000};

class GpuNccl : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!nccl_available() || !at::detail::getCUDAHooks().hasCUDA()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  // Calls body(communicator).
  template <class Body>
  static void connected(Body body) {
    testing::run_thread_ranks(1, [&](Communicator& host) {
      const auto nccl = make_nccl_communicator(host, std::chrono::seconds(60));
      body(*nccl);
    });
  }
  static at::Tensor numbers(std::int64_t size, at::ScalarType type) {
    return at::remainder(at::arange(size, at::TensorOptions(at::kLong).device(at::kCUDA)) * 37, 61)
        .to(type);
  }
};

TEST_F(GpuNccl, CollectivesOfOneRankChangeNothing) {
  connected([](Communicator& nccl) {
    for (const auto size : kSizes) {
      for (const auto type : kTypes) {
        const auto input = numbers(size, type);
        const auto values = input.clone();
        for (const auto op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
          nccl.all_reduce(values, op)->wait();
        }
        nccl.broadcast(values, 0);
        EXPECT_TRUE(at::equal(values, input)) << size << " of " << c10::toString(type);
        const auto scattered = input.clone(), gathered = input.clone();
        const auto exchanged = at::zeros_like(input);
        const std::vector<std::int64_t> parts{size};
        nccl.reduce_scatter(scattered, parts)->wait();
        nccl.all_gather(gathered, parts)->wait();
        nccl.all_to_all(input, exchanged)->wait();
        EXPECT_TRUE(at::equal(scattered, input)) << size << " of " << c10::toString(type);
        EXPECT_TRUE(at::equal(gathered, input)) << size << " of " << c10::toString(type);
        EXPECT_TRUE(at::equal(exchanged, input)) << size << " of " << c10::toString(type);
      }
    }
  });
}

// What the current stream still computes is what travels, and what it computes after wait() sees
// what came; several transfers are under way at once, as buckets are.
TEST_F(GpuNccl, TransfersKeepTheOrderOfTheStream) {
  connected([](Communicator& nccl) {
    const auto options = at::TensorOptions(at::kFloat).device(at::kCUDA);
    auto slow = at::randn({4096, 4096}, options);
    auto buckets = at::zeros({8, 1 << 20}, options);
    std::vector<std::unique_ptr<Work>> under_way;
    for (std::int64_t i = 0; i < buckets.size(0); ++i) {
      slow = at::mm(slow, slow) / 4096;  // keeps the stream busy
      buckets[i].fill_(static_cast<double>(i + 1));
      under_way.push_back(nccl.all_reduce(buckets[i], ReduceOp::sum));
    }
    for (const auto& work : under_way) work->wait();
    const auto twice = buckets * 2;
    for (std::int64_t i = 0; i < buckets.size(0); ++i) {
      EXPECT_TRUE(twice[i].eq(static_cast<double>(2 * (i + 1))).all().item<bool>()) << i;
    }
  });
}

}  // namespace
}  // namespace bertha
