// MPI_Init, MPI_Finalize, MPI_Abort, and what comes before the last.
#include "parallel/mpi_environment.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include "parallel/base/error.h"
#include "parallel/base/error_line.h"
#include "parallel/base/unique_handle.h"
#include "parallel/deadline.h"
#include "parallel/launcher.h"
#include "parallel/native_check.h"

namespace bertha {
namespace {

// What abort_job and the watchdog must know on threads that may not call MPI: written once, before
// any of them starts.
struct ProcessState {
  std::atomic<bool> aborting = false;
  std::atomic<int> rank = 0, world_size = 1, local_rank = 0, local_size = 1;
};

ProcessState& process_state() {
  static ProcessState state;
  return state;
}

struct LastWork {
  std::mutex mutex;  // held while it is done
  std::list<std::function<void()>> items;
};

LastWork& last_work() {
  static auto& work = *new LastWork;  // never destroyed: abort_job may come while the program ends
  return work;
}

// On a thread of its own, because it may hang as well.
void do_last_work() noexcept {
  try {
    const auto done = std::make_shared<std::promise<void>>();
    const auto ended = done->get_future();
    std::thread([done] {
      auto& work = last_work();
      const std::scoped_lock lock(work.mutex);
      for (const auto& item : work.items) item();
      done->set_value();
    }).detach();
    ended.wait_for(std::chrono::seconds(2));
  } catch (...) {  // no thread to be had: the process ends without
  }
}

RankInfo find_ranks() {
  RankInfo info;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &info.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &info.world_size), "MPI_Comm_size");
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, info.rank, MPI_INFO_NULL, &node),
      "MPI_Comm_split_type");
  check_mpi(MPI_Comm_rank(node, &info.local_rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(node, &info.local_size), "MPI_Comm_size");
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
  return info;
}

// A single process without a launcher needs none of Open MPI's helper daemons (without the first
// line, it starts an orted beside itself) and no session folder: all such processes of a user would
// share one, and remove it while another starts. It talks to itself only: looking for networks
// takes time, a second where libfabric is asked. Other MPIs do not read these variables.
void prepare_lone_process() {
  ::setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  ::setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  ::setenv("OMPI_MCA_pml", "ob1", 1);
  ::setenv("OMPI_MCA_btl", "self", 1);
  // By which Open MPI takes srun for its launcher, also in a shell that srun or salloc started.
  ::unsetenv("SLURM_STEP_ID");
}

bool is_open_mpi() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  return MPI_Get_library_version(text.data(), &length) == MPI_SUCCESS &&
         std::string_view(text.data()).starts_with("Open MPI");
}

// A copy, as the launcher left it: Open MPI gives a process that it finds alone the PMIX_RANK 0.
std::map<std::string, std::string, std::less<>> launched_environment() {
  std::map<std::string, std::string, std::less<>> variables;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != text.npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

// The first rank's file stays: the others fail because that one did.
void leave_exit_code(int exit_code) {
  const char* path = std::getenv("BERTHA_EXIT_FILE");
  if (!path || !*path) return;
  const UniqueHandle<int, ::close, -1> file(
      ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return;
  const auto text = std::to_string(exit_code) + '\n';
  // Where it cannot be written, srun's own code must do.
  [[maybe_unused]] const auto written = ::write(file.get(), text.data(), text.size());
}

// Says that MPI waits in vain, and ends the job. Rank 0 speaks first and so ends the others; where
// it is the one that does not come, they speak.
std::chrono::milliseconds deadline_of(std::chrono::seconds limit, int rank) {
  using std::chrono::milliseconds;
  return limit > limit.zero() ? milliseconds(limit) + milliseconds(rank > 0 ? 1500 : 0)
                              : milliseconds::zero();
}

void give_up(const char* what, std::chrono::seconds limit, const RankInfo& rank,
             const char* remedy) {
  print_line(
      error_line({ErrorKind::communication,
                  fmt::format("{} {} s (parallel.timeout_seconds)", what, limit.count()), remedy},
                 rank));
  abort_job(Error(ErrorKind::communication, "").exit_code());
}

// Before MPI knows it: of mpirun, srun or another launcher by PMIx; one rank alone where none says.
RankInfo announced_rank(const EnvironmentLookup& environment) {
  RankInfo rank;
  const auto announced = announced_ranks(environment);
  rank.world_size = announced ? announced->ranks : 1;
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    if (const char* text = environment(name)) {
      rank.rank = std::atoi(text);
      break;
    }
  }
  return rank;
}

}  // namespace

MpiEnvironment::MpiEnvironment(std::chrono::seconds limit) {
  const EnvironmentLookup environment = [variables = launched_environment()](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  // PMIX_NAMESPACE: of launchers that do not say how many ranks there are.
  if ((is_open_mpi() && is_lone_srun_task(environment)) ||
      (!announced_ranks(environment) && !environment("PMIX_NAMESPACE"))) {
    prepare_lone_process();
  }
  // Where there is no /sys, as in a bare chroot, hwloc complains on standard error in every rank.
  ::setenv("HWLOC_HIDE_ERRORS", "2", 0);
  const auto announced = announced_rank(environment);
  const Deadline deadline(deadline_of(limit, announced.rank), [limit, announced] {
    give_up("MPI has not brought all ranks together within", limit, announced,
            "a rank has not begun, has stopped, or is on a machine that cannot be reached: look "
            "there, then start the job again");
  });
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  try {
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler");
    if (provided < MPI_THREAD_FUNNELED) {
      throw Error(ErrorKind::communication, "this MPI allows no threads beside its own",
                  "use an MPI with MPI_THREAD_FUNNELED");
    }
    rank_info_ = find_ranks();
    check_announced_ranks(environment, rank_info_);
  } catch (...) {
    MPI_Finalize();
    throw;
  }
  auto& state = process_state();
  state.rank = rank_info_.rank;
  state.world_size = rank_info_.world_size;
  state.local_rank = rank_info_.local_rank;
  state.local_size = rank_info_.local_size;
}

MpiEnvironment::~MpiEnvironment() {
  if (process_state().aborting) return;
  if (rank_info_.world_size > 1 && std::uncaught_exceptions() > 0) return;
  const Deadline deadline(deadline_of(end_limit_, rank_info_.rank), [this] {
    give_up("this rank's work is done, but not all ranks have ended (MPI_Finalize) within",
            end_limit_, rank_info_,
            "a rank has stopped or is gone; what was saved is whole, and the same command goes on "
            "from there");
  });
  MPI_Finalize();
}

RankInfo process_rank_info() noexcept {
  const auto& state = process_state();
  return {state.rank, state.world_size, state.local_rank, state.local_size};
}

void abort_job(int exit_code) noexcept {
  auto& state = process_state();
  const bool first = !state.aborting.exchange(true);
  if (state.world_size > 1) {
    try {
      // MPI_Abort talks to the launcher and can itself hang when that is gone. A process that ends
      // with a code makes the launcher end the others too.
      std::thread([exit_code] {
        std::this_thread::sleep_for(std::chrono::seconds(10));
        ::_exit(exit_code);
      }).detach();
    } catch (...) {  // no thread to be had: MPI_Abort alone must do
    }
    leave_exit_code(exit_code);
    if (first) do_last_work();
    int initialised = 0, finalised = 0;
    if (MPI_Initialized(&initialised) == MPI_SUCCESS && initialised != 0 &&
        MPI_Finalized(&finalised) == MPI_SUCCESS && finalised == 0) {
      MPI_Abort(MPI_COMM_WORLD, exit_code);
    }
  }
  ::_exit(exit_code);
}

BeforeAbort::BeforeAbort(std::function<void()> work) {
  auto& [mutex, items] = last_work();
  const std::scoped_lock lock(mutex);
  place_ = items.insert(items.end(), std::move(work));
}

BeforeAbort::~BeforeAbort() {
  auto& [mutex, items] = last_work();
  const std::scoped_lock lock(mutex);
  items.erase(place_);
}

void stay_if_aborting() noexcept {
  while (process_state().aborting) std::this_thread::sleep_for(std::chrono::seconds(1));
}

}  // namespace bertha
