// The NCCL communicator at several ranks without a GPU: over the stand-ins of
// tests/support/fake_nccl, every collective against plain MPI, in the order of streams, and what
// goes wrong is named.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <nccl.h>

#include "parallel/base/error.h"
#include "parallel/gradient_reducer.h"
#include "parallel/mpi_environment.h"
#include "parallel/nccl_communicator.h"
#include "tests/support/fake_nccl/device.h"
#include "tests/support/large_transfers.h"
#include "tests/support/rank_communicator.h"
#include "tests/support/rank_numbers.h"

namespace bertha::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::vector<std::int64_t> equal_parts(std::int64_t size) {
  return std::vector(static_cast<std::size_t>(world()), size);
}

// An environment variable while it lives.
class WithVariable {
 public:
  WithVariable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~WithVariable() { ::unsetenv(name_); }
  WithVariable(const WithVariable&) = delete;
  WithVariable& operator=(const WithVariable&) = delete;

 private:
  const char* name_;
};

struct WithFault : WithVariable {  // rank:call:number:kind
  explicit WithFault(const std::string& fault) : WithVariable("FAKE_NCCL_FAULT", fault) {}
};

class Nccl : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { use_stand_ins(); }

  std::unique_ptr<Communicator> connect(std::chrono::seconds timeout = std::chrono::seconds(20)) {
    return make_nccl_communicator(*host_, timeout);
  }
  std::unique_ptr<Communicator> host_ = rank_communicator();
};

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

// The text of the Error{communication} that `work` throws.
std::string failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 76);
    return error.message();
  }
  return "nothing was thrown";
}

TEST_F(Nccl, NamesTheCallThatFails) {
  const std::string mine = std::to_string(rank()) + ":";
  const auto said = [&](const std::string& fault, const std::function<void(Communicator&)>& call) {
    const WithFault with(mine + fault);
    const auto nccl = connect();
    return failure_of([&] { call(*nccl); });
  };
  const auto a = on_device(at::ones({world()})), b = on_device(at::ones({world()}));
  const auto equal = equal_parts(1);
  EXPECT_THAT(said("ncclAllReduce:1:fail", [&](auto& c) { c.all_reduce(a, ReduceOp::sum); }),
              HasSubstr("ncclAllReduce failed: unhandled system error: a fault on purpose"));
  EXPECT_THAT(said("ncclReduceScatter:1:fail", [&](auto& c) { c.reduce_scatter(a, equal); }),
              HasSubstr("ncclReduceScatter failed"));
  EXPECT_THAT(said("ncclAllGather:1:fail", [&](auto& c) { c.all_gather(a, equal); }),
              HasSubstr("ncclAllGather failed"));
  if (world() > 1) {  // one rank's parts are always equal
    auto uneven = equal_parts(0);
    uneven.back() = world();
    EXPECT_THAT(said("ncclReduce:1:fail", [&](auto& c) { c.reduce_scatter(a, uneven); }),
                HasSubstr("ncclReduce failed"));
    EXPECT_THAT(said("ncclBroadcast:1:fail", [&](auto& c) { c.all_gather(a, uneven); }),
                HasSubstr("ncclBroadcast failed"));
  }
  EXPECT_THAT(said("ncclBroadcast:1:fail", [&](auto& c) { c.broadcast(a, 0); }),
              HasSubstr("ncclBroadcast failed"));
  for (const std::string call :
       {"ncclGroupStart:1", "ncclSend:1", "ncclRecv:2", "ncclGroupEnd:1"}) {
    if (call == "ncclRecv:2" && world() == 1) continue;
    EXPECT_THAT(said(call + ":fail", [&](auto& c) { c.all_to_all(a, b); }),
                HasSubstr("ncclGroupEnd failed: unhandled system error"))
        << call;
  }
}

// Which rank 0 alone calls; the others do not wait for what it cannot send.
TEST_F(Nccl, AnIdThatCannotBeMadeIsAnErrorOfAllRanks) {
  const WithFault fault("0:ncclGetUniqueId:1:fail");
  EXPECT_THAT(failure_of([&] { connect(); }),
              HasSubstr("ncclGetUniqueId failed: rank 0 could not open a port for NCCL"));
}

TEST_F(Nccl, RefusesALibraryThatDoesNotGoWithTheHeaders) {
  const auto said = [&](int version, bool by_this_rank) -> std::string {
    std::optional<WithVariable> other;
    if (by_this_rank) other.emplace("FAKE_NCCL_VERSION", std::to_string(version));
    try {
      connect();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    return {};
  };
  const auto text = [](int minor, int patch) {
    return fmt::format("{}.{}.{}", NCCL_MAJOR, minor, patch);
  };
  const auto built = " is loaded, but bertha was built with NCCL " + text(NCCL_MINOR, NCCL_PATCH);
  EXPECT_EQ(said((NCCL_MAJOR + 1) * 10000, true),
            fmt::format("NCCL {}.0.0", NCCL_MAJOR + 1) + built);
  const auto older = "NCCL " + text(NCCL_MINOR - 1, NCCL_PATCH) + built;
  EXPECT_EQ(said(NCCL_VERSION_CODE - 100, true), older);
  EXPECT_EQ(said(NCCL_VERSION_CODE - 100, rank() == world() - 1),
            world() == 1 ? older : fmt::format("rank {}: {}", world() - 1, older));
  EXPECT_EQ(said(NCCL_VERSION_CODE + 100, true), "");
  EXPECT_EQ(said(NCCL_VERSION_CODE / 100 * 100, true), "");
}

// By hand, see tests/README.md.
TEST_F(Nccl, DISABLED_LargeMessagesArriveWhole) {
  const auto nccl = connect();
  check_large_transfers(*nccl, on_device, synchronize);
}

TEST_F(Nccl, ConnectingEndsWhenARankDoesNotCome) {
  for (const std::string kind : {"hang", "unready"}) {
    const WithFault fault(std::to_string(world() - 1) + ":ncclCommInitRankConfig:1:" + kind);
    const auto began = std::chrono::steady_clock::now();
    EXPECT_THAT(failure_of([&] { connect(std::chrono::seconds(1)); }),
                HasSubstr("ncclCommInitRankConfig failed: not all ranks arrived within 1 s"));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
  }
  const WithFault fault(std::to_string(rank()) + ":ncclCommInitRankConfig:1:fail");
  EXPECT_THAT(failure_of([&] { connect(); }), HasSubstr("ncclCommInitRankConfig failed"));
}

// A transfer that fails after its call is found by the next call, or by whoever waits for it.
TEST_F(Nccl, NamesTheTransferThatFails) {
  const WithFault fault(std::to_string(rank()) + ":ncclAllReduce:2:async");
  const auto a = on_device(at::ones({5}));
  const auto fails = [&](Communicator& nccl, bool by_waiting) {
    nccl.all_reduce(a, ReduceOp::sum)->wait();
    const auto work = nccl.all_reduce(a, ReduceOp::sum);
    std::this_thread::sleep_for(milliseconds(700));
    by_waiting ? work->wait() : nccl.broadcast(a, 0);
  };
  for (const bool by_waiting : {true, false}) {
    const auto nccl = connect();
    EXPECT_THAT(failure_of([&] { fails(*nccl, by_waiting); }),
                HasSubstr("an NCCL transfer, the last being ncclAllReduce (call 3), failed: remote "
                          "process exited or there was a network error: a fault on purpose"));
  }
}

// A call that NCCL never takes up ends as well.
TEST_F(Nccl, ACallThatIsNeverTakenUpEnds) {
  const WithFault fault(std::to_string(rank()) + ":ncclAllReduce:1:unready");
  const auto nccl = connect(std::chrono::seconds(1));
  EXPECT_THAT(failure_of([&] { nccl->all_reduce(on_device(at::ones({5})), ReduceOp::sum); }),
              HasSubstr("ncclAllReduce failed: not all ranks arrived within 1 s"));
}

}  // namespace
}  // namespace bertha::testing
