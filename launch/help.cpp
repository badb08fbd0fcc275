// Help and version texts, generated from the option table.
#include <H5public.h>
#include <algorithm>
#include <ostream>
#include <string>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>
#include <mpi.h>
#include <torch/version.h>

#include "launch/nearest_name.h"
#include "launch/option_pages.h"
#include "launch/option_table.h"
#include "launch/options.h"
#include "parallel/base/error.h"
#include "parallel/nccl_communicator.h"

namespace bertha {
namespace {

constexpr const char* kVersion = "0.1.0";

void print_commands(std::ostream& out) {
  out << "Bertha pretrains BERT encoders, from text to a fine-tuned model.\n\n"
         "  bertha <command> [--config FILE.ini] [--section.option value ...]\n\nCommands:\n";
  for (const auto& command : command_table()) {
    out << fmt::format("  {:<10} {}\n", command.name, command.help);
  }
  out << "\n`bertha help <command>` lists a command's options, `bertha help <option>` tells all of "
         "one,\n`bertha help options` of every one; `bertha --version` says what a bug report "
         "needs.\n"
         "With --verbose, any command tells more of an error.\n"
         "Several ranks: mpirun -n N bertha ..., or srun --mpi=pmix in a Slurm job.\n"
         "Exit codes: 0 done, 64 usage, 65 bad data, 70 internal, 74 input/output,\n"
         "75 stopped and saved (run again to go on), 76 communication (run again to go on).\n";
}

void print_options(std::ostream& out, const CommandDeclaration& command) {
  const auto defaults = default_config(command.name);
  out << fmt::format("bertha {}{}\n{}\n", command.name,
                     command.arguments.empty() ? " [--config FILE.ini] [--section.option value ...]"
                                               : " " + command.arguments,
                     command.help);
  const auto print = [&](const OptionDeclaration& option) {
    const auto value = option.text(defaults);
    out << fmt::format("  --{:<46} {}{}\n", option.name + " " + option.value_name, option.help,
                       value.empty() ? "" : fmt::format(" [{}]", value));
  };
  for (const auto& section : command.sections) {
    out << fmt::format("\n[{}]\n", section);
    for (const auto& option : option_table()) {
      if (option.section() == section) print(option);
    }
  }
  if (!command.options.empty()) out << "\nof other sections\n";
  for (const auto& option : option_table()) {
    if (std::ranges::find(command.options, option.name) != command.options.end()) print(option);
  }
  out << fmt::format("\nFor example:\n  {}\n", command.example);
}

}  // namespace

void print_help(std::ostream& out, const std::string& command) {
  if (command.empty() || command == "help") return print_commands(out);
  const auto& table = command_table();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const auto& entry) { return entry.name == command; });
  if (found != table.end()) return print_options(out, *found);
  if (print_option_pages(out, command)) return;
  auto names = command_names();
  for (const auto& option : option_table()) names.push_back(option.name);
  throw Error(ErrorKind::usage, fmt::format("no command or option is called {}", command),
              fmt::format("the nearest is {}; `bertha help` lists the commands, `bertha help "
                          "options` every option",
                          nearest_name(command, names)));
}

void print_version(std::ostream& out) {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  std::string mpi_text = mpi;
  mpi_text = mpi_text.substr(0, mpi_text.find(','));
  const std::string devices =
      at::globalContext().hasCUDA()
          ? fmt::format("cpu, cuda ({} device(s))", at::detail::getCUDAHooks().deviceCount())
          : (nccl_available() ? "cpu, cuda (none here)" : "cpu");
  out << fmt::format(
      "bertha {} ({})\nLibTorch {}\nNCCL {}\nMPI {}\nHDF5 {}.{}.{}\ncompiler GCC {}\ndevices {}\n",
      kVersion, BERTHA_SOURCE_STATE, TORCH_VERSION, nccl_version_text(), mpi_text, major, minor,
      release, __VERSION__, devices);
}

}  // namespace bertha
