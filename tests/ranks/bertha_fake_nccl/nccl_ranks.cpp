// The NCCL communicator at several ranks without a GPU: over the stand-ins of
// tests/support/fake_nccl, every collective against plain MPI, in the order of streams. What goes
// wrong: nccl_failure_ranks.cpp.
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/gradient_reducer.h"
#include "parallel/mpi_environment.h"
#include "tests/support/fake_nccl/fixture.h"
#include "tests/support/large_transfers.h"

namespace bertha::testing {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong, at::kBFloat16};
constexpr std::int64_t kSizes[] = {0, 1, 3, 64, 1000, 100003};

// Small whole numbers: sums are exact in every type and order.
TEST_F(Nccl, AllReduceEqualsPlainMpi) {
  const auto nccl = connect();
  for (const auto size : kSizes) {
    for (const auto type : kTypes) {
      const auto mine = small_numbers(size, type, rank());
      const auto all = gathered(mine).to(at::kDouble);
      for (const auto op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
        const auto values = mine.clone();
        nccl->all_reduce(on_device(values), op)->wait();
        synchronize();
        const auto expected = op == ReduceOp::sum   ? all.sum(0)
                              : op == ReduceOp::max ? all.amax(0)
                                                    : all.amin(0);
        EXPECT_TRUE(at::equal(values.to(at::kDouble), expected))
            << size << " of " << c10::toString(type);
      }
    }
  }
}

TEST_F(Nccl, ReduceScatterEqualsPlainMpi) {
  const auto nccl = connect();
  for (const auto size : kSizes) {
    for (const auto type : kTypes) {
      const auto values = small_numbers(size * world(), type, rank());
      const auto expected = gathered(values).to(at::kDouble).sum(0).narrow(0, rank() * size, size);
      nccl->reduce_scatter(on_device(values), equal_parts(size))->wait();
      synchronize();
      EXPECT_TRUE(at::equal(values.narrow(0, rank() * size, size).to(at::kDouble), expected))
          << size << " of " << c10::toString(type);
    }
  }
}

TEST_F(Nccl, AllGatherEqualsPlainMpi) {
  const auto nccl = connect();
  for (const auto size : kSizes) {
    for (const auto type : kTypes) {
      const auto input = small_numbers(size, type, rank());
      const auto expected = gathered(input).flatten();
      const auto values = at::full({size * world()}, -2, input.options());
      values.narrow(0, rank() * size, size).copy_(input);
      nccl->all_gather(on_device(values), equal_parts(size))->wait();
      synchronize();
      EXPECT_TRUE(at::equal(values, expected)) << size << " of " << c10::toString(type);
    }
  }
}

TEST_F(Nccl, AllToAllEqualsPlainMpi) {
  const auto nccl = connect();
  for (const auto size : kSizes) {
    for (const auto type : kTypes) {
      const auto input = small_numbers(size * world(), type, rank());
      auto expected = at::empty_like(input);
      const auto bytes = static_cast<int>(input.nbytes()) / world();
      MPI_Alltoall(input.data_ptr(), bytes, MPI_BYTE, expected.data_ptr(), bytes, MPI_BYTE,
                   MPI_COMM_WORLD);
      const auto output = at::full_like(input, -1);
      nccl->all_to_all(on_device(input), on_device(output))->wait();
      synchronize();
      EXPECT_TRUE(at::equal(output, expected)) << size;
    }
  }
}

TEST_F(Nccl, BroadcastComesFromEveryRoot) {
  const auto nccl = connect();
  for (const auto size : kSizes) {
    for (int root = 0; root < world(); ++root) {
      const auto values = small_numbers(size, at::kBFloat16, rank());
      nccl->broadcast(on_device(values), root);
      synchronize();
      EXPECT_TRUE(at::equal(values, small_numbers(size, at::kBFloat16, root))) << size;
    }
  }
}

// What the current stream still computes is what travels, what it computes after wait() sees what
// came, and the host has waited for nothing.
TEST_F(Nccl, KeepsTheOrderOfStreams) {
  const auto nccl = connect();
  auto values = at::zeros({1000}), seen = at::zeros({1000});
  std::promise<void> host_is_through;
  later([&] {
    host_is_through.get_future().wait();
    values.fill_(rank() + 1);
  });
  const auto work = nccl->all_reduce(on_device(values), ReduceOp::sum);
  work->wait();
  later([&] { seen.copy_(values); });
  host_is_through.set_value();
  synchronize();
  EXPECT_TRUE(seen.eq(world() * (world() + 1) / 2).all().item<bool>()) << seen[0].item<float>();
}

// A transfer that comes late on one rank delays only whoever needs it.
TEST_F(Nccl, OverlapsWithWhatTheCurrentStreamComputes) {
  const WithFault fault("0:ncclAllReduce:1:delay1500");
  const auto nccl = connect();
  const auto values = at::ones({1000});
  std::atomic<bool> computed = false;
  const auto work = nccl->all_reduce(on_device(values), ReduceOp::sum);
  later([&] { computed = true; });
  synchronize();
  EXPECT_TRUE(computed);
  EXPECT_TRUE(rank() != 0 || values.eq(1).all().item<bool>()) << "not begun yet";
  work->wait();
  synchronize();
  EXPECT_TRUE(values.eq(world()).all().item<bool>());
}

// So that a transfer does not queue behind the blocks of a large kernel: LibTorch's most urgent.
TEST_F(Nccl, TransfersGoBeforeWhatIsComputed) {
  const auto nccl = connect();
  const auto values = at::ones({5});
  nccl->all_reduce(on_device(values), ReduceOp::sum)->wait();
  synchronize();
  const int priority = priority_of(fake_nccl::last_stream());
  EXPECT_EQ(priority, std::get<1>(c10::cuda::CUDAStream::priority_range()));
  EXPECT_LT(priority, priority_of(c10::cuda::getCurrentCUDAStream()));
  EXPECT_LT(priority, priority_of(c10::cuda::getStreamFromPool()));
}

TEST_F(Nccl, ReducesGradientsBucketByBucket) {
  constexpr std::int64_t kTotal = 30011;
  const auto nccl = connect();
  const std::vector<FlatRange> parameters{
      {0, 10000}, {10000, 10001}, {10001, 25000}, {25000, kTotal}};
  const auto flat = at::empty({kTotal});
  GradientReducer reducer(*nccl, on_device(flat), plan_buckets(parameters, kTotal, 5000),
                          GradientReducer::Precision::fp32);
  for (int step = 0; step < 3; ++step) {
    flat.copy_(small_numbers(kTotal, at::kFloat, rank() + step));
    const auto expected = gathered(flat).sum(0);
    reducer.begin();
    for (const int parameter : rank() % 2 == 0 ? std::array{3, 1, 2, 0} : std::array{0, 3, 2, 1}) {
      reducer.mark_ready(parameter);
    }
    reducer.finish();
    synchronize();
    EXPECT_TRUE(at::equal(flat, expected));
  }
}

// By hand, see tests/README.md.
TEST_F(Nccl, DISABLED_LargeMessagesArriveWhole) {
  const auto nccl = connect();
  check_large_transfers(*nccl, on_device, synchronize);
}

}  // namespace
}  // namespace bertha::testing
