// What every rank gets of cores and GPUs, and what is said of it, for layouts of jobs as mpirun,
// Slurm and containers make them.
#include "launch/rank_places.h"

#include <algorithm>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_ranges.h"
#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RankPlace on_cores(std::vector<int> mask, int reachable_cores, int asked_threads = 0) {
  return {"m1", "node1", std::move(mask), reachable_cores, asked_threads, {}};
}

// Enough cores, and these GPUs.
RankPlace with_gpus(std::vector<std::string> ids, const std::string& machine = "m1") {
  return {machine, "host of " + machine, cores(0, 64), 64, 0, std::move(ids)};
}

std::vector<int> threads(const Placement& placement) {
  std::vector<int> result;
  for (const auto& share : placement.shares) result.push_back(share.threads);
  return result;
}

std::vector<int> gpus(const Placement& placement) {
  std::vector<int> result;
  for (const auto& share : placement.shares) result.push_back(share.gpu);
  return result;
}

void expect_silence(const Placement& placement) {
  EXPECT_THAT(placement.warnings, IsEmpty());
  EXPECT_THAT(placement.notes, IsEmpty());
}

std::string refusal(const std::vector<RankPlace>& places) {
  try {
    place_ranks(places);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_FALSE(error.remedy().empty());
    return error.message();
  }
  return "none";
}

TEST(RankPlaces, OneRankTakesWhatThereIs) {
  const auto placement = place_ranks({on_cores(cores(0, 16), 16)});
  EXPECT_THAT(threads(placement), ElementsAre(16));
  EXPECT_THAT(gpus(placement), ElementsAre(-1));
  expect_silence(placement);
}

TEST(RankPlaces, RanksOfOneSetOfCoresDivideIt) {
  const std::vector<RankPlace> unbound(3, on_cores(cores(0, 8), 8));
  EXPECT_THAT(threads(place_ranks(unbound)), ElementsAre(2, 2, 2));
  expect_silence(place_ranks(unbound));
}

// A container, or Slurm's cgroup, of 8 of 64 cores, whose ranks nobody bound.
TEST(RankPlaces, APartOfTheMachineIsDividedToo) {
  const std::vector<RankPlace> contained(4, on_cores(cores(24, 8), 8));
  EXPECT_THAT(threads(place_ranks(contained)), ElementsAre(2, 2, 2, 2));
  expect_silence(place_ranks(contained));
}

TEST(RankPlaces, RanksBoundToCoresOfTheirOwnKeepThem) {
  const auto placement = place_ranks({on_cores(cores(0, 4), 8), on_cores(cores(4, 4), 8)});
  EXPECT_THAT(threads(placement), ElementsAre(4, 4));
  expect_silence(placement);
}

// Two ranks to each of two sockets.
TEST(RankPlaces, RanksBoundToASocketDivideTheSocket) {
  const auto first = on_cores(cores(0, 6), 12), second = on_cores(cores(6, 6), 12);
  const auto placement = place_ranks({first, second, first, second});
  EXPECT_THAT(threads(placement), ElementsAre(3, 3, 3, 3));
  expect_silence(placement);
}

TEST(RankPlaces, OtherMachinesShareNothing) {
  auto here = on_cores(cores(0, 8), 8), there = here;
  there.machine = "m2";  // called node1 as well
  const auto placement = place_ranks({here, there});
  EXPECT_THAT(threads(placement), ElementsAre(8, 8));
  expect_silence(placement);
}

TEST(RankPlaces, MoreThreadsThanCoresIsAWarning) {
  const auto one_core = place_ranks({on_cores({5}, 8), on_cores({5}, 8)});
  EXPECT_THAT(threads(one_core), ElementsAre(1, 1));
  EXPECT_THAT(one_core.warnings,
              ElementsAre(HasSubstr("2 threads of 2 ranks on node1 share 1 core (5)")));
  const auto asked = place_ranks({on_cores(cores(0, 2), 8, 4)});
  EXPECT_THAT(threads(asked), ElementsAre(4));
  EXPECT_THAT(asked.warnings,
              ElementsAre(HasSubstr("4 threads of 1 rank on node1 share 2 cores (0-1)")));
}

TEST(RankPlaces, AskedThreadsAreTakenWithoutAWordWhereThereIsRoom) {
  const std::vector<RankPlace> places(2, on_cores(cores(0, 8), 8, 3));
  EXPECT_THAT(threads(place_ranks(places)), ElementsAre(3, 3));
  expect_silence(place_ranks(places));
}

TEST(RankPlaces, CoresThatAreSharedInPartAreAWarning) {
  const auto placement =
      place_ranks({on_cores(cores(0, 4), 8), on_cores({2, 3, 4, 5, 7}, 8), on_cores({6}, 8)});
  EXPECT_THAT(threads(placement), ElementsAre(4, 5, 1));
  EXPECT_THAT(placement.warnings,
              ElementsAre(AllOf(HasSubstr("rank 0 on node1 may use the cores 0-3"),
                                HasSubstr("rank 1 the cores 2-5,7"), HasSubstr("share 2-3"))));
}

// `mpirun -n 1` and `-n 2` of Open MPI bind each rank to one core.
TEST(RankPlaces, ARankBoundToOneCoreOfManyIsAWarning) {
  const auto one = place_ranks({on_cores({0}, 8)});
  EXPECT_THAT(threads(one), ElementsAre(1));
  EXPECT_THAT(one.warnings,
              ElementsAre(AllOf(HasSubstr("rank 0 on node1 is bound to 1 of the 8 cores"),
                                HasSubstr("--bind-to none"), HasSubstr("slot:PE=8`"))));
  EXPECT_THAT(one.notes, IsEmpty());
  const auto two = place_ranks({on_cores({0}, 8), on_cores({1}, 8)});
  EXPECT_THAT(threads(two), ElementsAre(1, 1));
  EXPECT_THAT(two.warnings, ElementsAre(AllOf(HasSubstr("2 ranks on node1 are bound to 2 of the 8"),
                                              HasSubstr("slot:PE=4`"))));
}

TEST(RankPlaces, HardwareThreadsOfOneCoreAreOneCore) {
  auto place = on_cores({0, 64}, 128);
  place.core_threads = 2;
  EXPECT_THAT(place_ranks({place}).warnings,
              ElementsAre(AllOf(HasSubstr("2 of the 128 cores"), HasSubstr("slot:PE=64`"))));
  place.cores = {0, 1, 64, 65};
  EXPECT_THAT(place_ranks({place}).warnings, IsEmpty());
}

TEST(RankPlaces, OtherCoresThatNoRankMayUseAreANote) {
  const auto placement = place_ranks({on_cores(cores(0, 4), 16), on_cores(cores(4, 4), 16)});
  EXPECT_THAT(placement.warnings, IsEmpty());
  EXPECT_THAT(placement.notes, ElementsAre(HasSubstr("bound to 8 of the 16 cores")));
  // As many threads as were asked for.
  expect_silence(place_ranks({on_cores({0}, 8, 1)}));
  // Nobody's to give: a container of one core.
  expect_silence(place_ranks({on_cores({5}, 1)}));
}

TEST(RankPlaces, IdleCoresAreToldOnceAndNotOfACrowd) {
  auto here = on_cores({0}, 8), there = here;
  there.machine = "m2";
  EXPECT_THAT(place_ranks({here, there}).warnings, ElementsAre(HasSubstr("1 of the 8 cores")));
  const auto crowd = place_ranks({here, here});
  EXPECT_THAT(crowd.warnings, ElementsAre(HasSubstr("2 threads of 2 ranks")));
  EXPECT_THAT(crowd.notes, IsEmpty());
}

TEST(RankPlaces, RanksThatSeeAllGpusTakeOneEach) {
  const std::vector<RankPlace> places(3, with_gpus({"a", "b", "c", "d"}));
  EXPECT_THAT(gpus(place_ranks(places)), ElementsAre(0, 1, 2));
}

// Slurm's --gpus-per-task=1: everybody's GPU is number 0.
TEST(RankPlaces, RanksThatSeeOneGpuEachTakeIt) {
  const auto placement =
      place_ranks({with_gpus({"a"}), with_gpus({"b"}), with_gpus({"c"}), with_gpus({"d"})});
  EXPECT_THAT(gpus(placement), ElementsAre(0, 0, 0, 0));
  expect_silence(placement);
}

// Two tasks to each socket's pair of GPUs, dealt out in turn.
TEST(RankPlaces, RanksThatSeeSomeOfTheGpusTakeOneOfThese) {
  const auto placement = place_ranks(
      {with_gpus({"a", "b"}), with_gpus({"c", "d"}), with_gpus({"a", "b"}), with_gpus({"c", "d"})});
  EXPECT_THAT(gpus(placement), ElementsAre(0, 0, 1, 1));
}

TEST(RankPlaces, EveryMachineHasItsOwnGpus) {
  const auto placement = place_ranks({with_gpus({"a", "b"}), with_gpus({"a", "b"}),
                                      with_gpus({"x", "y"}, "m2"), with_gpus({"x", "y"}, "m2")});
  EXPECT_THAT(gpus(placement), ElementsAre(0, 1, 0, 1));
}

// Rank 0 sees the only one of rank 1, too, and leaves it.
TEST(RankPlaces, ARankMovesToMakeRoomForAnother) {
  EXPECT_THAT(gpus(place_ranks({with_gpus({"a", "b"}), with_gpus({"a"})})), ElementsAre(1, 0));
  // Both ranks before it must move.
  EXPECT_THAT(gpus(place_ranks({with_gpus({"a", "b"}), with_gpus({"b", "c"}), with_gpus({"a"})})),
              ElementsAre(1, 1, 0));
  EXPECT_THAT(refusal({with_gpus({"a", "b"}), with_gpus({"a"}), with_gpus({"b"})}),
              HasSubstr("ranks 0 and 2 share a CUDA device: rank 2"));
}

TEST(RankPlaces, TwoRanksOnOneGpuAreAnError) {
  EXPECT_THAT(refusal({with_gpus({"a"}), with_gpus({"a"})}),
              HasSubstr("ranks 0 and 1 share a CUDA device: rank 1 on host of m1 sees 1"));
  EXPECT_THAT(refusal({with_gpus({"a", "b"}), with_gpus({"a", "b"}), with_gpus({"a", "b"})}),
              HasSubstr("ranks 0 and 2 share a CUDA device"));
  // Two containers of one machine, each with its own name.
  EXPECT_THAT(refusal({with_gpus({"a"}), with_gpus({"a"}, "m2")}), HasSubstr("ranks 0 and 1"));
}

TEST(RankPlaces, GpusForSomeRanksOnlyAreAnError) {
  EXPECT_EQ(refusal({with_gpus({"a"}), with_gpus({}, "m2")}),
            "rank 1 on host of m2 sees no CUDA device, rank 0 on host of m1 sees 1");
}

// The way over the wire, and back to the rank whose share it is.
TEST(RankPlaces, RanksAgree) {
  testing::run_thread_ranks(3, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    auto mine = with_gpus({"a", "b", "c"});
    mine.asked_threads = rank + 1;
    mine.core_threads = 2;
    mine.nodes = {{0, cores(0, 32)}, {3, cores(32, 32)}};
    const auto share = agree_on_place(communicator, mine);
    EXPECT_EQ(share.threads, rank + 1);
    EXPECT_EQ(share.gpu, rank);
  });
}

TEST(RankPlaces, AProcessKnowsItsOwnPlace) {
  const auto place = find_place(7, false);
  EXPECT_FALSE(place.machine.empty());
  EXPECT_FALSE(place.host.empty());
  EXPECT_FALSE(place.cores.empty());
  EXPECT_TRUE(std::is_sorted(place.cores.begin(), place.cores.end()));
  EXPECT_GE(place.reachable_cores, static_cast<int>(place.cores.size()));
  EXPECT_GE(place.core_threads, 1);
  EXPECT_EQ(place.asked_threads, 7);
  EXPECT_THAT(place.gpus, IsEmpty());
}

}  // namespace
}  // namespace bertha
