// Affinity masks and GPUs of all ranks, and what follows from them.
#include "launch/rank_places.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <sched.h>
#include <set>
#include <unistd.h>
#include <utility>

#include <ATen/Context.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/gpu_ids.h"

namespace bertha {
namespace {

// Ranks of one machine that may run on the same cores.
struct CoreGroup {
  std::vector<std::size_t> ranks;
  const RankPlace* place = nullptr;  // of any of them
  int threads = 0;                   // of all of them
};
using GroupsByMachine = std::map<std::string, std::vector<CoreGroup>>;

// "0-3,8"
std::string core_list(const std::vector<int>& cores) {
  std::vector<std::string> runs;
  for (std::size_t begin = 0, end = 0; begin < cores.size(); begin = end) {
    for (end = begin + 1; end < cores.size() && cores[end] == cores[end - 1] + 1;) ++end;
    runs.push_back(end - begin == 1 ? fmt::format("{}", cores[begin])
                                    : fmt::format("{}-{}", cores[begin], cores[end - 1]));
  }
  return fmt::format("{}", fmt::join(runs, ","));
}

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

GroupsByMachine group_by_cores(const std::vector<RankPlace>& places) {
  GroupsByMachine machines;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    auto& groups = machines[places[rank].machine];
    auto group = std::ranges::find_if(
        groups, [&](const auto& other) { return other.place->cores == places[rank].cores; });
    if (group == groups.end()) group = groups.insert(group, CoreGroup{{}, &places[rank]});
    group->ranks.push_back(rank);
  }
  return machines;
}

void share_cores(const std::vector<RankPlace>& places, GroupsByMachine& machines,
                 std::vector<RankShare>& shares) {
  for (auto& [machine, groups] : machines) {
    for (auto& group : groups) {
      const auto each = static_cast<int>(group.place->cores.size() / group.ranks.size());
      for (const auto rank : group.ranks) {
        const int asked = places[rank].asked_threads;
        shares[rank].threads = asked > 0 ? asked : std::max(1, each);
        group.threads += shares[rank].threads;
      }
    }
  }
}

void warn_of_crowds(const std::vector<CoreGroup>& groups, std::vector<std::string>& warnings) {
  for (const auto& group : groups) {
    const auto& cores = group.place->cores;
    if (group.threads <= static_cast<int>(cores.size())) continue;
    warnings.push_back(fmt::format(
        "{} of {} on {} share {} ({}): start fewer, or give them other cores, as `mpirun --bind-to "
        "none` does",
        counted(static_cast<std::size_t>(group.threads), "thread"),
        counted(group.ranks.size(), "rank"), group.place->host, counted(cores.size(), "core"),
        core_list(cores)));
  }
}

// One warning a machine: what is wrong with two groups mostly is with all.
void warn_of_overlap(const std::vector<CoreGroup>& groups, std::vector<std::string>& warnings) {
  for (auto one = groups.begin(); one != groups.end(); ++one) {
    for (auto other = std::next(one); other != groups.end(); ++other) {
      std::vector<int> common;
      std::ranges::set_intersection(one->place->cores, other->place->cores,
                                    std::back_inserter(common));
      if (common.empty()) continue;
      warnings.push_back(fmt::format(
          "rank {} on {} may use the cores {}, rank {} the cores {}: they share {} and not the "
          "rest, so one waits for the other; bind all ranks alike, or each to cores of its own",
          one->ranks.front(), one->place->host, core_list(one->place->cores), other->ranks.front(),
          core_list(other->place->cores), core_list(common)));
      return;
    }
  }
}

// Ranks that a launcher bound each to its own cores, on a machine with more. Where all may use the
// same ones, as in a container, those are all there are.
std::string hint_at_idle_cores(const std::vector<CoreGroup>& groups) {
  if (groups.size() < 2) return {};
  std::set<int> used;
  for (const auto& group : groups)
    used.insert(group.place->cores.begin(), group.place->cores.end());
  const auto& place = *groups.front().place;
  if (static_cast<int>(used.size()) >= place.online_cores) return {};
  return fmt::format(
      "the ranks on {} are bound to {} of its {} cores; if the others are this job's "
      "too, `mpirun --bind-to none` or --map-by lets them be used",
      place.host, used.size(), place.online_cores);
}

void require_alike(const std::vector<RankPlace>& places) {
  const auto sees_none = [](const RankPlace& place) { return place.gpus.empty(); };
  const auto without = std::ranges::find_if(places, sees_none);
  const auto with = std::ranges::find_if_not(places, sees_none);
  if (without == places.end() || with == places.end()) return;
  throw Error(ErrorKind::usage,
              fmt::format("rank {} on {} sees no CUDA device, rank {} on {} sees {}",
                          without - places.begin(), without->host, with - places.begin(),
                          with->host, with->gpus.size()),
              "give every rank a GPU, or none of them: --train.device cpu");
}

void share_gpus(const std::vector<RankPlace>& places, std::vector<RankShare>& shares) {
  std::map<std::string, std::size_t> taken;  // by which rank
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    const auto& gpus = places[rank].gpus;
    if (gpus.empty()) continue;
    const auto free =
        std::ranges::find_if_not(gpus, [&](const std::string& gpu) { return taken.contains(gpu); });
    if (free == gpus.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("ranks {} and {} share a CUDA device: rank {} on {} sees {}, all "
                              "taken by ranks before it",
                              taken.at(gpus.front()), rank, rank, places[rank].host, gpus.size()),
                  "start one rank per GPU");
    }
    shares[rank].gpu = static_cast<int>(free - gpus.begin());
    taken.emplace(*free, rank);
  }
}

std::vector<int> cores_of_this_process(int online_cores) {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) {  // more of them than a cpu_set_t holds
    cores.resize(static_cast<std::size_t>(online_cores));
    std::iota(cores.begin(), cores.end(), 0);
  }
  return cores;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "this host";
}

// Of the running kernel: containers of one machine share it, whatever they call themselves, and
// machines that are all called localhost do not.
std::string machine_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id.empty() ? host_name() : id;
}

std::string pack(const RankPlace& place) {
  const nlohmann::json fields{{"machine", place.machine},
                              {"host", place.host},
                              {"cores", place.cores},
                              {"online_cores", place.online_cores},
                              {"asked_threads", place.asked_threads},
                              {"gpus", place.gpus}};
  return fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

RankPlace unpack(const std::string& text) {
  const auto fields = nlohmann::json::parse(text);
  return {fields.at("machine"),      fields.at("host"),          fields.at("cores"),
          fields.at("online_cores"), fields.at("asked_threads"), fields.at("gpus")};
}

void tell(const Placement& placement) {
  constexpr std::size_t kMost = 4;  // of a thousand machines that are all alike
  const auto& warnings = placement.warnings;
  for (std::size_t i = 0; i < std::min(kMost, warnings.size()); ++i) log_warning(warnings[i]);
  if (warnings.size() > kMost) {
    log_warning(
        fmt::format("and {} more about cores", counted(warnings.size() - kMost, "warning")));
  }
  if (!placement.hint.empty()) log_info(placement.hint);
}

}  // namespace

Placement place_ranks(const std::vector<RankPlace>& places) {
  require_alike(places);
  Placement placement;
  placement.shares.resize(places.size());
  share_gpus(places, placement.shares);
  auto machines = group_by_cores(places);
  share_cores(places, machines, placement.shares);
  for (const auto& [machine, groups] : machines) {
    warn_of_crowds(groups, placement.warnings);
    warn_of_overlap(groups, placement.warnings);
    if (placement.hint.empty()) placement.hint = hint_at_idle_cores(groups);
  }
  return placement;
}

RankPlace find_place(int asked_threads, bool with_gpus) {
  RankPlace place;
  place.machine = machine_id();
  place.host = host_name();
  place.online_cores = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  place.cores = cores_of_this_process(place.online_cores);
  place.asked_threads = asked_threads;
  if (with_gpus && at::globalContext().hasCUDA()) place.gpus = visible_gpu_ids();
  return place;
}

RankShare agree_on_place(Communicator& communicator, const RankPlace& mine) {
  std::vector<RankPlace> places;
  for (const auto& text : communicator.gather_bytes(pack(mine))) places.push_back(unpack(text));
  const auto placement = place_ranks(places);
  const auto& rank = communicator.rank_info();
  if (rank.is_root()) tell(placement);
  return placement.shares.at(static_cast<std::size_t>(rank.rank));
}

}  // namespace bertha
