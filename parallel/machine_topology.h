// Cores of this machine: which belong together, and which this process may use, as Linux tells it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// Cores of each NUMA node, ascending, by the node's number; nodes without cores are left out.
using NumaNodes = std::map<int, std::vector<int>>;

inline constexpr const char* kSystemDevices = "/sys/devices/system";

// "0-3,8" as the kernel writes it: ascending. What is no such list gives none.
std::vector<int> parse_core_list(std::string_view text);
std::string core_list(const std::vector<int>& cores);  // and back; of ranks and nodes as well

// None where the folder does not tell.
NumaNodes numa_nodes(const std::filesystem::path& devices = kSystemDevices);

// The hardware threads of `core`'s physical core, `core` among them.
std::vector<int> hardware_threads(int core, const std::filesystem::path& devices = kSystemDevices);

// That this thread may run on, ascending; of a machine with more than a cpu_set_t holds, all.
std::vector<int> bound_cores();

// That it could be bound to: what a container or a batch system leaves it, whatever the launcher
// has bound it to. Binds it to all for a moment, and back.
std::vector<int> reachable_cores();

int online_cores();

}  // namespace bertha
