// Affinity masks and GPUs of all ranks, and what follows from them.
#include "launch/rank_places.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <ATen/Context.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/gpu_matching.h"
#include "launch/numa_places.h"
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

bool is_crowded(const CoreGroup& group) {
  return group.threads > static_cast<int>(group.place->cores.size());
}

void warn_of_crowds(const std::vector<CoreGroup>& groups, std::vector<std::string>& warnings) {
  for (const auto& group : groups) {
    const auto& cores = group.place->cores;
    if (!is_crowded(group)) continue;
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

// Has but one physical core to itself, and was not asked for so few threads.
bool is_cramped(const CoreGroup& group) {
  const auto& place = *group.place;
  return place.asked_threads == 0 && static_cast<int>(place.cores.size()) <= place.core_threads;
}

std::vector<std::size_t> ranks_of(const std::vector<CoreGroup>& groups) {
  std::vector<std::size_t> ranks;
  for (const auto& group : groups) {
    ranks.insert(ranks.end(), group.ranks.begin(), group.ranks.end());
  }
  std::ranges::sort(ranks);
  return ranks;
}

// Cores that the launcher binds no rank to, though it could. Empty: there are none, or as many
// threads as were asked for.
std::string describe_idle_cores(const std::vector<CoreGroup>& groups) {
  std::set<int> used;
  bool asked = true;
  for (const auto& group : groups) {
    used.insert(group.place->cores.begin(), group.place->cores.end());
    asked = asked && group.place->asked_threads > 0;
  }
  const auto& place = *groups.front().place;
  if (asked || static_cast<int>(used.size()) >= place.reachable_cores) return {};
  const auto ranks = ranks_of(groups);
  const auto count = static_cast<int>(ranks.size());
  const bool by_node = place.nodes.size() > 1 && ranks.size() % place.nodes.size() == 0;
  const auto binding =
      by_node ? std::string("--map-by numa --bind-to numa")
              : fmt::format("--bind-to none` or `mpirun --map-by slot:PE={}",
                            std::max(1, place.reachable_cores / (count * place.core_threads)));
  return fmt::format(
      "{} on {} {} bound to {} of the {} that could be used; if the others are this job's too, "
      "`mpirun {}`, or Slurm's --cpus-per-task, lets it use them",
      count == 1 ? fmt::format("rank {}", ranks.front()) : fmt::format("{} ranks", count),
      place.host, count == 1 ? "is" : "are", used.size(),
      counted(static_cast<std::size_t>(place.reachable_cores), "core"), binding);
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
  std::vector<std::vector<std::string>> seen;
  for (const auto& place : places) seen.push_back(place.gpus);
  const auto matching = match_gpus(seen);
  if (matching.without) {
    const auto rank = *matching.without;
    throw Error(
        ErrorKind::usage,
        fmt::format("ranks {} and {} share a CUDA device: rank {} on {} sees {}, all "
                    "taken by ranks before it",
                    matching.rival, rank, rank, places[rank].host, places[rank].gpus.size()),
        "start one rank per GPU");
  }
  for (std::size_t rank = 0; rank < places.size(); ++rank) shares[rank].gpu = matching.gpus[rank];
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
  auto nodes = nlohmann::json::object();
  for (const auto& [node, cores] : place.nodes) nodes[std::to_string(node)] = core_list(cores);
  const nlohmann::json fields{{"machine", place.machine},
                              {"host", place.host},
                              {"cores", core_list(place.cores)},
                              {"reachable_cores", place.reachable_cores},
                              {"asked_threads", place.asked_threads},
                              {"gpus", place.gpus},
                              {"core_threads", place.core_threads},
                              {"nodes", nodes}};
  return fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

RankPlace unpack(const std::string& text) {
  const auto fields = nlohmann::json::parse(text);
  RankPlace place;
  place.machine = fields.at("machine");
  place.host = fields.at("host");
  place.cores = parse_core_list(fields.at("cores").get<std::string>());
  place.reachable_cores = fields.at("reachable_cores");
  place.asked_threads = fields.at("asked_threads");
  place.gpus = fields.at("gpus");
  place.core_threads = fields.at("core_threads");
  for (const auto& [node, cores] : fields.at("nodes").items()) {
    place.nodes.emplace(std::stoi(node), parse_core_list(cores.get<std::string>()));
  }
  return place;
}

void tell(const std::vector<std::string>& texts, void (*say)(std::string_view)) {
  constexpr std::size_t kMost = 4;  // of a thousand machines that are all alike
  for (std::size_t i = 0; i < std::min(kMost, texts.size()); ++i) say(texts[i]);
  if (texts.size() > kMost) {
    say(fmt::format("and {} more about cores", counted(texts.size() - kMost, "line")));
  }
}

// What is wrong first: crowds, then cores that nobody uses, then memory far away, as a remedy for
// one often is one for the next.
void judge_machine(const std::vector<RankPlace>& places, const std::vector<CoreGroup>& groups,
                   bool& told_of_idle, Placement& placement) {
  warn_of_crowds(groups, placement.warnings);
  warn_of_overlap(groups, placement.warnings);
  const auto ranks = ranks_of(groups);
  if (const auto note = describe_numa(places, ranks); !note.empty())
    placement.notes.push_back(note);
  if (std::ranges::any_of(groups, is_crowded)) return;
  const auto idle = describe_idle_cores(groups);
  const bool cramped = !idle.empty() && std::ranges::any_of(groups, is_cramped);
  // Once: launchers bind alike on all machines.
  if (!idle.empty() && !std::exchange(told_of_idle, true)) {
    (cramped ? placement.warnings : placement.notes).push_back(idle);
  }
  if (cramped) return;
  if (auto far = warn_of_numa(places, ranks); !far.empty()) {
    placement.warnings.push_back(std::move(far));
  }
}

}  // namespace

Placement place_ranks(const std::vector<RankPlace>& places) {
  require_alike(places);
  Placement placement;
  placement.shares.resize(places.size());
  share_gpus(places, placement.shares);
  auto machines = group_by_cores(places);
  share_cores(places, machines, placement.shares);
  bool told_of_idle = false;
  for (const auto& [machine, groups] : machines) {
    judge_machine(places, groups, told_of_idle, placement);
  }
  return placement;
}

RankPlace find_place(int asked_threads, bool with_gpus) {
  RankPlace place;
  place.machine = machine_id();
  place.host = host_name();
  place.cores = bound_cores();
  const auto reachable = reachable_cores();
  place.reachable_cores = static_cast<int>(reachable.size());
  place.core_threads = static_cast<int>(hardware_threads(place.cores.front()).size());
  place.nodes = within(numa_nodes(), reachable);
  place.asked_threads = asked_threads;
  if (with_gpus && at::globalContext().hasCUDA()) place.gpus = visible_gpu_ids();
  return place;
}

RankShare agree_on_place(Communicator& communicator, const RankPlace& mine) {
  std::vector<RankPlace> places;
  for (const auto& text : communicator.gather_bytes(pack(mine))) places.push_back(unpack(text));
  const auto placement = place_ranks(places);
  const auto& rank = communicator.rank_info();
  if (rank.is_root()) {
    tell(placement.warnings, log_warning);
    tell(placement.notes, log_info);
  }
  return placement.shares.at(static_cast<std::size_t>(rank.rank));
}

}  // namespace bertha
