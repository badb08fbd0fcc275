// Ranks on machines of several NUMA nodes: what is said of layouts as launchers make them.
#include "launch/numa_places.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_ranges.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A machine of two nodes of 8 cores.
RankPlace on(std::vector<int> mask, std::vector<std::string> gpus = {}) {
  RankPlace place{"m1", "a1", std::move(mask), 16, 0, std::move(gpus)};
  place.nodes = {{0, cores(0, 8)}, {1, cores(8, 8)}};
  return place;
}

// All ranks are on that machine.
std::vector<std::size_t> ranks(const std::vector<RankPlace>& places) {
  std::vector<std::size_t> result(places.size());
  std::iota(result.begin(), result.end(), 0U);
  return result;
}

std::string note(const std::vector<RankPlace>& places) {
  return describe_numa(places, ranks(places));
}

std::string warning(const std::vector<RankPlace>& places) {
  return warn_of_numa(places, ranks(places));
}

TEST(NumaPlaces, OneNodeOrAnUnknownMachineIsNotSpokenOf) {
  auto one = on(cores(0, 8));
  one.nodes = {{0, cores(0, 16)}};
  EXPECT_EQ(note({one, one}), "");
  EXPECT_EQ(warning({one, one}), "");
  one.nodes = {};
  EXPECT_EQ(note({one, one}), "");
  EXPECT_EQ(warning({one, one}), "");
}

TEST(NumaPlaces, NodesOfEveryRankAreNamed) {
  EXPECT_EQ(note({on(cores(0, 4)), on(cores(4, 4)), on(cores(8, 8)), on(cores(6, 4))}),
            "on a1: ranks 0-1 on NUMA node 0; rank 3 on NUMA nodes 0-1; rank 2 on NUMA node 1");
}

TEST(NumaPlaces, RanksWithNodesOfTheirOwnAreWell) {
  EXPECT_EQ(warning({on(cores(0, 8)), on(cores(8, 8))}), "");
  EXPECT_EQ(warning({on(cores(0, 4)), on(cores(8, 4)), on(cores(4, 4)), on(cores(12, 4))}), "");
}

TEST(NumaPlaces, RanksThatCouldHaveANodeEachAreWarnedOf) {
  EXPECT_THAT(warning({on(cores(0, 16)), on(cores(0, 16))}),
              AllOf(HasSubstr("ranks 0-1 on a1 may run on several NUMA nodes"),
                    HasSubstr("--bind-to numa")));
  EXPECT_THAT(warning({on(cores(0, 8)), on(cores(8, 4)), on(cores(12, 4)), on(cores(6, 4))}),
              HasSubstr("rank 3 on a1 may run"));
}

TEST(NumaPlaces, WhereBindingWouldLeaveCoresIdleNothingIsSaid) {
  EXPECT_EQ(warning({on(cores(0, 16))}), "") << "one rank wants both nodes";
  EXPECT_EQ(warning({3, on(cores(0, 16))}), "") << "three ranks cannot share two nodes alike";
}

TEST(NumaPlaces, RanksOnGpusMayRunWhereTheyLike) {
  EXPECT_EQ(warning({on(cores(0, 16), {"g0"}), on(cores(0, 16), {"g1"})}), "");
}

TEST(NumaPlaces, CrowdsBesideEmptyNodesAreWarnedOf) {
  EXPECT_THAT(warning({on(cores(0, 4)), on(cores(4, 4))}),
              AllOf(HasSubstr("ranks 0-1 on a1 share NUMA node 0"),
                    HasSubstr("no rank is on NUMA node 1;"), HasSubstr("--map-by numa")));
  EXPECT_THAT(warning({on(cores(0, 8), {"g0"}), on(cores(0, 8), {"g1"})}),
              HasSubstr("share NUMA node 0"));
  EXPECT_EQ(warning({on(cores(0, 8))}), "") << "one rank is no crowd";
}

// A container of the first node only: the second is not there for it.
TEST(NumaPlaces, NodesOutOfReachAreNotEmpty) {
  auto place = on(cores(0, 8));
  place.nodes = within(place.nodes, cores(0, 8));
  EXPECT_EQ(warning({place, place}), "");
  EXPECT_EQ(note({place, place}), "");
}

TEST(NumaPlaces, OnlyRanksOfTheMachineCount) {
  const std::vector<RankPlace> places{on(cores(0, 8)), on(cores(0, 4)), on(cores(8, 8)),
                                      on(cores(4, 4))};
  EXPECT_EQ(warn_of_numa(places, {1, 2}), "");
  EXPECT_THAT(warn_of_numa(places, {1, 3}), HasSubstr("ranks 1,3 on a1 share NUMA node 0"));
}

TEST(NumaPlaces, WithinCutsNodes) {
  const auto cut = within({{0, {0, 1, 2}}, {1, {3, 4}}, {2, {5}}}, {1, 2, 3});
  EXPECT_THAT(cut,
              ElementsAre(testing::Pair(0, ElementsAre(1, 2)), testing::Pair(1, ElementsAre(3))));
}

// The whole judgement: a note always, and one warning about cores, not two for the same remedy.
TEST(NumaPlaces, ArePartOfThePlacement) {
  const auto unbound = place_ranks({on(cores(0, 16)), on(cores(0, 16))});
  EXPECT_THAT(unbound.warnings, ElementsAre(HasSubstr("several NUMA nodes")));
  EXPECT_THAT(unbound.notes, ElementsAre(HasSubstr("ranks 0-1 on NUMA nodes 0-1")));
  const auto one_core_each = place_ranks({on({0}), on({1})});
  EXPECT_THAT(one_core_each.warnings,
              ElementsAre(AllOf(HasSubstr("2 of the 16 cores"),
                                HasSubstr("--map-by numa --bind-to numa"))));
  const auto half = place_ranks({on(cores(0, 4)), on(cores(4, 4))});
  EXPECT_THAT(half.warnings, ElementsAre(HasSubstr("share NUMA node 0")));
  EXPECT_THAT(place_ranks({on(cores(0, 8)), on(cores(8, 8))}).warnings, IsEmpty());
}

}  // namespace
}  // namespace bertha
