// Environment variables of mpirun (Open MPI), PMI launchers (MPICH, Intel), PMIx and srun.
#include "parallel/launcher.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

// Slurm numbers its special steps (batch script, extern, interactive shell) downwards from here;
// steps made by srun count from 0. Source: SLURM_MAX_NORMAL_STEP_ID in slurm/slurm.h.
constexpr std::int64_t kFirstSpecialSlurmStep = 0xfffffff0;

std::optional<std::int64_t> number_in(const EnvironmentLookup& environment, const char* name) {
  const char* text = environment(name);
  if (!text) return std::nullopt;
  const std::string_view view(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) return std::nullopt;
  return value;
}

std::optional<AnnouncedRanks> first_of(const EnvironmentLookup& environment,
                                       std::initializer_list<const char*> names) {
  constexpr std::int64_t kMostRanks = 1 << 30;
  for (const char* name : names) {
    const auto ranks = number_in(environment, name);
    if (ranks && *ranks >= 1 && *ranks <= kMostRanks) {
      return AnnouncedRanks{name, static_cast<int>(*ranks)};
    }
  }
  return std::nullopt;
}

bool started_by_srun(const EnvironmentLookup& environment) {
  const auto step = number_in(environment, "SLURM_STEP_ID");
  return environment("SLURM_PROCID") && step && *step >= 0 && *step < kFirstSpecialSlurmStep;
}

// In a heterogeneous job Slurm counts the tasks of each component, MPI those of all.
bool heterogeneous(const EnvironmentLookup& environment) {
  return environment("SLURM_HET_SIZE") != nullptr;
}

constexpr const char* kAlone = ": every process would run alone";

std::string remedy_for(const std::string& variable, bool alone) {
  if (!alone) return "unset " + variable + " if another launcher left it there";
  if (variable.starts_with("SLURM")) {
    return "start with srun --mpi=pmix, or with mpirun inside the allocation";
  }
  return "start with the mpirun of the MPI that bertha was built with (bertha --version names it)";
}

// PMIx tells a process its rank, and the size only when asked. Rank 0 of a world of one is right;
// the others of its job end it. Where a launcher announced a number, that counts: its processes may
// have inherited the rank of an outer one.
void check_pmix_rank(const EnvironmentLookup& environment, const RankInfo& mpi) {
  const auto rank = number_in(environment, "PMIX_RANK");
  if (!rank || *rank < 0 || *rank == mpi.rank) return;
  const bool alone = mpi.world_size == 1;
  throw Error(
      ErrorKind::usage,
      fmt::format("the launcher announced rank {} (PMIX_RANK), but MPI found rank {} of {}{}",
                  *rank, mpi.rank, mpi.world_size, alone ? kAlone : ""),
      remedy_for("PMIX_RANK", alone));
}

}  // namespace

std::optional<AnnouncedRanks> announced_ranks(const EnvironmentLookup& environment) {
  // The launcher nearest to the process first: under Slurm, mpirun's daemons are srun steps
  // themselves, and what they start inherits Slurm's variables.
  if (auto found = first_of(environment, {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})) {
    return found;
  }
  if (!started_by_srun(environment) || heterogeneous(environment)) return std::nullopt;
  // Not SLURM_NTASKS, which may be the allocation's: a step may have fewer.
  return first_of(environment, {"SLURM_STEP_NUM_TASKS"});
}

bool is_lone_srun_task(const EnvironmentLookup& environment) {
  if (!started_by_srun(environment) || heterogeneous(environment)) return false;
  // The last: somebody who knows of another way (`s1`, PMI-1 of Slurm, needs no plugin).
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "PMIX_RANK", "PMI_RANK",
                           "PMI_SIZE", "PMI_FD", "OMPI_MCA_pmix"}) {
    if (environment(name)) return false;
  }
  const auto tasks = first_of(environment, {"SLURM_STEP_NUM_TASKS"});
  if (!tasks) return false;
  if (tasks->ranks == 1) return true;
  throw Error(ErrorKind::usage,
              fmt::format("the launcher announced {} ranks ({}), but told them nothing of each "
                          "other (srun --mpi=none){}",
                          tasks->ranks, tasks->variable, kAlone),
              remedy_for(tasks->variable, true));
}

void check_announced_ranks(const EnvironmentLookup& environment, const RankInfo& mpi) {
  const auto announced = announced_ranks(environment);
  if (!announced) return check_pmix_rank(environment, mpi);
  if (announced->ranks == mpi.world_size) return;
  const bool alone = mpi.world_size == 1;
  throw Error(
      ErrorKind::usage,
      fmt::format("the launcher announced {} ranks ({}), but MPI found {}{}", announced->ranks,
                  announced->variable, mpi.world_size, alone ? kAlone : ""),
      remedy_for(announced->variable, alone));
}

}  // namespace bertha
