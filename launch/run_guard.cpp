// Catches once, says what happened in one line, and ends the job with the right exit code.
#include "launch/run_guard.h"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <c10/util/Exception.h>

#include "launch/commands/commands.h"
#include "launch/machine_text.h"
#include "launch/memory_plan.h"
#include "launch/options.h"
#include "launch/stop_signal.h"
#include "parallel/base/error.h"
#include "parallel/base/error_line.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/mpi_environment.h"
#include "trainer/library_caches.h"

namespace bertha {
namespace {

// What rank 0 may still write, when all others are done: scores, a report.
constexpr std::chrono::seconds kLastWords{20};

using Command = int (*)(const RunConfig&, const MpiEnvironment&);

Command find_command(const std::string& name) {
  static const std::map<std::string, Command> commands{
      {"vocab", run_vocab},       {"prepare", run_prepare},   {"pretrain", run_pretrain},
      {"finetune", run_finetune}, {"evaluate", run_evaluate}, {"predict", run_predict},
      {"export", run_export},     {"inspect", run_inspect},   {"verify", run_verify},
      {"report", run_report},     {"plan", run_plan},         {"completion", run_completion},
  };
  const auto found = commands.find(name);
  return found == commands.end() ? nullptr : found->second;
}

bool saves_when_stopped(const std::string& command) {
  return command == "prepare" || command == "pretrain" || command == "finetune";
}

// Of the others rank 0 does all the work, however long, while the rest waits for the end.
bool is_work_of_all(const std::string& command) {
  return saves_when_stopped(command) || command == "vocab" || command == "evaluate" ||
         command == "predict";
}

bool contains(const std::vector<std::string>& arguments, const char* wanted) {
  for (const auto& argument : arguments) {
    if (argument == wanted) return true;
  }
  return false;
}

int dispatch(const std::vector<std::string>& arguments, MpiEnvironment& mpi) {
  const bool root = mpi.rank_info().is_root();
  const std::string command = arguments.empty() ? "help" : arguments.front();
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1),
                                      arguments.end());
  if (command == "--version" || command == "version") {
    if (root) {
      print_version(std::cout);
      std::cout << machine_text();
    }
    return 0;
  }
  const bool about_command = command == "help" || command == "--help" || command == "-h";
  if (about_command || contains(rest, "--help") || contains(rest, "-h")) {
    if (root)
      print_help(std::cout, about_command && rest.empty() ? "" : about_command ? rest[0] : command);
    return 0;
  }
  const auto config = read_options(command, rest);
  if (!saves_when_stopped(command)) let_signals_end_this(mpi.rank_info().world_size > 1);
  const auto limit = timeout_of(config);
  if (is_work_of_all(command) && limit > limit.zero()) mpi.limit_end(limit + kLastWords);
  return find_command(command)(config, mpi);
}

// --verbose: what a bug report needs, before the one line.
void print_details(const std::exception& exception, const std::vector<std::string>& arguments) {
  std::ostringstream text;
  text << "bertha: command line:";
  for (const auto& argument : arguments) text << ' ' << argument;
  text << "\nbertha: in " << std::filesystem::current_path().string() << '\n';
  print_version(text);
  text << machine_text() << "whole message: " << exception.what() << '\n';
  std::cerr << text.str() << std::flush;
}

// An error that all ranks have (a missing file, an agreed failure) is told once: rank 0 speaks
// first and ends the job, which the others learn by a signal. One that only another rank has is
// told by that rank.
bool told_by_root(const RankInfo& rank) {
  if (rank.is_root()) return false;
  const bool stopped_before = stop_requested();
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!stopped_before && stop_requested()) return true;
  }
  return false;
}

Error describe(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception)) {
    return {ErrorKind::internal, "out of memory",
            "lower train.micro_batch_tokens, or use a machine with more memory"};
  }
  if (const auto* torch = dynamic_cast<const c10::Error*>(&exception)) {
    return {ErrorKind::internal, std::string("LibTorch: ") + torch->what_without_backtrace()};
  }
  return {ErrorKind::internal, exception.what()};
}

// Before MPI starts. Whatever is wrong with the options is said when all ranks are there.
std::chrono::seconds time_limit_of_ranks(const std::vector<std::string>& arguments) {
  try {
    if (!arguments.empty() && find_command(arguments.front())) {
      return timeout_of(read_options(arguments.front(), {arguments.begin() + 1, arguments.end()}));
    }
  } catch (const std::exception&) {
  }
  return timeout_of({});
}

}  // namespace

int run_program(int argc, char** argv) {
  RankInfo rank;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool verbose = std::erase(arguments, "--verbose") > 0;
  try {
    install_stop_signals();  // what comes while MPI starts counts
    bound_library_caches();
    MpiEnvironment mpi(time_limit_of_ranks(arguments));
    rank = mpi.rank_info();
    set_log_rank(rank.rank, rank.world_size);
    program_bytes();  // before anything else takes memory
    try {
      arm_fault(rank.rank);
      const int code = dispatch(arguments, mpi);
      inject_fault("end");
      return code;
    } catch (const std::exception& exception) {
      const auto error = describe(exception);
      if (!told_by_root(rank)) {
        if (verbose) print_details(exception, arguments);
        print_line(error_line(error, rank));
      }
      if (rank.world_size == 1) return error.exit_code();
      abort_job(error.exit_code());
    }
  } catch (const std::exception& exception) {
    const auto error = describe(exception);
    print_line(error_line(error, rank));
    return error.exit_code();
  }
}

}  // namespace bertha
