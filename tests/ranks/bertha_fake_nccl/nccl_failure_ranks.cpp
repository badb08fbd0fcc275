// The NCCL communicator over the stand-ins of tests/support/fake_nccl, when something goes wrong:
// every failing call and transfer is named, on time.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nccl.h>

#include "parallel/base/error.h"
#include "tests/support/fake_nccl/fixture.h"

namespace bertha::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

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

// Within a group, where the messages are NCCL's own business.
TEST_F(Nccl, AFaultOfACallInAGroupIsTheGroups) {
  const std::string mine = std::to_string(rank()) + ":";
  const auto a = on_device(at::ones({world()})), b = on_device(at::ones({world()}));
  const auto said = [&](const std::string& call, const std::function<void(Communicator&)>& start) {
    const WithFault later(mine + call + ":1:async");
    const auto nccl = connect();
    return failure_of([&] {
      start(*nccl);
      std::this_thread::sleep_for(milliseconds(700));
      nccl->broadcast(a, 0);
    });
  };
  const auto failed = HasSubstr("failed: remote process exited or there was a network error");
  for (const std::string call : {"ncclSend", "ncclRecv"}) {
    EXPECT_THAT(said(call, [&](auto& c) { c.all_to_all(a, b)->wait(); }), failed) << call;
  }
  if (world() == 1) return;  // one rank's parts are always equal
  auto uneven = equal_parts(0);
  uneven.back() = world();
  EXPECT_THAT(said("ncclReduce", [&](auto& c) { c.reduce_scatter(a, uneven)->wait(); }), failed);
  const WithFault never(mine + "ncclBroadcast:1:unready");
  const auto nccl = connect(std::chrono::seconds(1));
  EXPECT_THAT(failure_of([&] { nccl->all_gather(a, uneven)->wait(); }),
              HasSubstr("ncclBroadcast failed: not all ranks arrived within 1 s"));
}

// What the run computed is there by then: a warning that names the call, and no later than the
// limit. Here of the last rank, whom the others wait for where they meet.
TEST_F(Nccl, ClosingEndsAndNamesTheCallThatGoesWrong) {
  const auto values = on_device(at::ones({5}));
  const bool mine = rank() == world() - 1;
  const std::string late = "ncclCommFinalize failed: not all ranks arrived within 3 s";
  const struct {
    std::string fault, said, others;
  } cases[]{
      {"ncclCommFinalize:1:fail",
       "ncclCommFinalize failed: unhandled system error: a fault on purpose", late},
      {"ncclCommFinalize:1:async", "ncclCommFinalize failed: remote process exited", late},
      {"ncclCommFinalize:1:hang", late, late},
      {"ncclCommFinalize:1:unready", late, late},
      {"ncclCommDestroy:1:fail", "ncclCommDestroy failed: unhandled system error", ""},
      {"ncclCommDestroy:1:hang", "ncclCommDestroy failed: it did not return within 3 s", ""},
      {"ncclCommDestroy:1:delay100", "", ""},
  };
  for (const auto& [fault, said, others] : cases) {
    const WithFault with(std::to_string(world() - 1) + ":" + fault);
    auto nccl = connect(std::chrono::seconds(3));
    nccl->all_reduce(values, ReduceOp::sum)->wait();
    synchronize();
    const auto began = std::chrono::steady_clock::now();
    ::testing::internal::CaptureStderr();
    nccl.reset();
    const auto warning = ::testing::internal::GetCapturedStderr();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
    const auto& expected = mine ? said : others;
    EXPECT_THAT(warning, HasSubstr(expected)) << fault;
    EXPECT_EQ(warning.empty(), expected.empty()) << fault << ": " << warning;
    host_->gather_bytes("");  // all are through with this fault
  }
}

// Asked how it goes, NCCL fails itself, or knows of an error that came from elsewhere.
TEST_F(Nccl, NamesAnErrorThatComesBetweenCalls) {
  const auto values = on_device(at::ones({5}));
  const auto said = [&](const std::string& kind, const std::function<void(Communicator&)>& call) {
    const auto nccl = connect();
    const WithFault with(std::to_string(rank()) + ":ncclCommGetAsyncError:1:" + kind);
    return failure_of([&] { call(*nccl); });
  };
  const auto reduce = [&](Communicator& nccl) { nccl.all_reduce(values, ReduceOp::sum)->wait(); };
  const std::string what = "an NCCL transfer, the last being ncclCommInitRankConfig (call 1), ";
  EXPECT_THAT(said("fail", reduce),
              HasSubstr(what + "failed: ncclCommGetAsyncError: unhandled system error"));
  EXPECT_THAT(
      said("async", reduce),
      HasSubstr(what + "failed: remote process exited or there was a network error: a fault "
                       "on purpose, elsewhere"));
  EXPECT_EQ(said("delay100", reduce), "nothing was thrown");
}

TEST_F(Nccl, WithoutALimitItWaits) {
  const auto nccl = connect(std::chrono::seconds(0));
  const auto values = at::ones({5});
  EXPECT_EQ(failure_of([&] { nccl->all_reduce(on_device(values), ReduceOp::sum)->wait(); }),
            "nothing was thrown");
  synchronize();
  EXPECT_EQ(values[0].item<float>(), static_cast<float>(world()));
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
