// Cores and NUMA nodes out of made-up folders, and of this process.
#include "parallel/machine_topology.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
namespace fs = std::filesystem;

class MachineTopology : public testing::Test {
 protected:
  MachineTopology() {
    std::string name = (fs::temp_directory_path() / "topologyXXXXXX").string();
    devices_ = ::mkdtemp(name.data());
  }
  ~MachineTopology() override { fs::remove_all(devices_); }

  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((devices_ / path).parent_path());
    std::ofstream(devices_ / path) << text;
  }

  fs::path devices_;
};

TEST_F(MachineTopology, ListsOfCores) {
  EXPECT_THAT(parse_core_list("0-3,8\n"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(parse_core_list("7"), ElementsAre(7));
  EXPECT_THAT(parse_core_list("8,0-1,1"), ElementsAre(0, 1, 8));
  for (const char* text : {"", "\n", "a", "1-", "-1", "1,,2", "0-99999999999", "3x"}) {
    EXPECT_THAT(parse_core_list(text), IsEmpty()) << text;
  }
  EXPECT_EQ(core_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(core_list({}), "");
  EXPECT_THAT(parse_core_list(core_list({1, 3, 4, 9})), ElementsAre(1, 3, 4, 9));
}

// Two sockets; memory without cores, and files that are no nodes.
TEST_F(MachineTopology, NodesWithCores) {
  write("node/node0/cpulist", "0-1,4-5\n");
  write("node/node1/cpulist", "2-3\n");
  write("node/node2/cpulist", "\n");
  write("node/node10/cpulist", "6\n");
  write("node/nodes/cpulist", "7\n");
  write("node/online", "0-2\n");
  write("node/node3/meminfo", "");
  EXPECT_THAT(numa_nodes(devices_),
              ElementsAre(Pair(0, ElementsAre(0, 1, 4, 5)), Pair(1, ElementsAre(2, 3)),
                          Pair(10, ElementsAre(6))));
}

TEST_F(MachineTopology, NoFolderNoNodes) {
  EXPECT_THAT(numa_nodes(devices_), IsEmpty());
  EXPECT_THAT(numa_nodes(devices_ / "nowhere"), IsEmpty());
}

TEST_F(MachineTopology, HardwareThreads) {
  write("cpu/cpu3/topology/thread_siblings_list", "3,67\n");
  write("cpu/cpu4/topology/thread_siblings_list", "5-6\n");  // says nothing of core 4
  EXPECT_THAT(hardware_threads(3, devices_), ElementsAre(3, 67));
  EXPECT_THAT(hardware_threads(4, devices_), ElementsAre(4));
  EXPECT_THAT(hardware_threads(5, devices_), ElementsAre(5));
}

// Bound to one core it still knows the others, and stays bound.
TEST_F(MachineTopology, ReachableCoresAreThoseOfBefore) {
  const auto before = bound_cores();
  ASSERT_FALSE(before.empty());
  const auto reachable = reachable_cores();
  EXPECT_TRUE(std::ranges::includes(reachable, before));
  EXPECT_LE(static_cast<int>(reachable.size()), online_cores());
  EXPECT_EQ(bound_cores(), before);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(before.front(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(reachable_cores(), reachable);
  EXPECT_THAT(bound_cores(), ElementsAre(before.front()));
  cpu_set_t all;
  CPU_ZERO(&all);
  for (const int core : before) CPU_SET(core, &all);
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
}

}  // namespace
}  // namespace bertha
