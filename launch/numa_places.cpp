// Ranks by the nodes that their cores lie on.
#include "launch/numa_places.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bertha {
namespace {

constexpr const char* kRemedy = "`mpirun --map-by numa --bind-to numa`";

// Ranks by the list of nodes that they may run on.
using RanksByNodes = std::map<std::vector<int>, std::vector<int>>;

// All nodes that ranks of the machine could be bound to: containers may leave each other ones.
std::set<int> nodes_of_machine(const std::vector<RankPlace>& places,
                               const std::vector<std::size_t>& ranks) {
  std::set<int> nodes;
  for (const auto rank : ranks) {
    for (const auto& [node, cores] : places[rank].nodes) nodes.insert(node);
  }
  return nodes;
}

RanksByNodes ranks_by_nodes(const std::vector<RankPlace>& places,
                            const std::vector<std::size_t>& ranks) {
  RanksByNodes result;
  for (const auto rank : ranks) {
    std::vector<int> nodes;
    for (const auto& [node, cores] : within(places[rank].nodes, places[rank].cores)) {
      nodes.push_back(node);
    }
    result[nodes].push_back(static_cast<int>(rank));
  }
  return result;
}

const char* plural(std::size_t count) {
  return count == 1 ? "" : "s";
}

std::string nodes_text(const std::vector<int>& nodes) {
  return fmt::format("NUMA node{} {}", plural(nodes.size()), core_list(nodes));
}

std::string ranks_text(const std::vector<int>& ranks) {
  return fmt::format("rank{} {}", plural(ranks.size()), core_list(ranks));
}

}  // namespace

NumaNodes within(const NumaNodes& nodes, const std::vector<int>& cores) {
  NumaNodes result;
  for (const auto& [node, its_cores] : nodes) {
    std::vector<int> common;
    std::ranges::set_intersection(its_cores, cores, std::back_inserter(common));
    if (!common.empty()) result.emplace(node, std::move(common));
  }
  return result;
}

std::string describe_numa(const std::vector<RankPlace>& places,
                          const std::vector<std::size_t>& ranks) {
  if (nodes_of_machine(places, ranks).size() < 2) return {};
  std::vector<std::string> parts;
  for (const auto& [nodes, its_ranks] : ranks_by_nodes(places, ranks)) {
    parts.push_back(fmt::format("{} on {}", ranks_text(its_ranks), nodes_text(nodes)));
  }
  return fmt::format("on {}: {}", places[ranks.front()].host, fmt::join(parts, "; "));
}

std::string warn_of_numa(const std::vector<RankPlace>& places,
                         const std::vector<std::size_t>& ranks) {
  auto empty = nodes_of_machine(places, ranks);
  const auto node_count = empty.size();
  if (node_count < 2) return {};
  const std::vector<int>* crowd = nullptr;
  const std::vector<int>* spread = nullptr;
  int crowded_node = 0;
  const auto by_nodes = ranks_by_nodes(places, ranks);
  for (const auto& [nodes, its_ranks] : by_nodes) {
    for (const auto node : nodes) empty.erase(node);
    if (nodes.size() == 1 && its_ranks.size() > 1 && !crowd) {
      crowd = &its_ranks;
      crowded_node = nodes.front();
    }
    if (nodes.size() > 1 && !spread) spread = &its_ranks;
  }
  const auto& host = places[ranks.front()].host;
  if (crowd && !empty.empty()) {
    const std::vector<int> free(empty.begin(), empty.end());
    return fmt::format(
        "{} on {} share NUMA node {} and its memory, while no rank is on {}; if that is this job's "
        "too, {} spreads them",
        ranks_text(*crowd), host, crowded_node, nodes_text(free), kRemedy);
  }
  const auto used = node_count - empty.size();
  const bool on_cpu = places[ranks.front()].gpus.empty();
  if (!spread || !on_cpu || used < 2 || ranks.size() % used != 0) return {};
  return fmt::format(
      "{} on {} may run on several NUMA nodes, so threads work on memory of another node; {} gives "
      "every rank cores of one",
      ranks_text(*spread), host, kRemedy);
}

}  // namespace bertha
