// Declares every option once and reads them: built-in defaults, then --config INI files (which may
// `include` others), then the command line.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "launch/run_config.h"

namespace bertha {

// `arguments` as after the program's name and the command. Error{usage} for an unknown or malformed
// option or INI line, naming the nearest known option, the file and the line.
RunConfig read_options(const std::string& command, const std::vector<std::string>& arguments);

// The built-in defaults, which differ by command.
RunConfig default_config(const std::string& command);

// What was used, as an INI file that repeats the run.
std::string resolved_ini(const RunConfig& config);

// `bertha help` and `bertha <command> --help`, generated from the declarations.
void print_help(std::ostream& out, const std::string& command);
void print_version(std::ostream& out);

// Names of the commands, for messages.
const std::vector<std::string>& command_names();

}  // namespace bertha
