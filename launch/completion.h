// Shell completion, generated from the tables of commands and options.
#pragma once

#include <string>

namespace bertha {

// A script for bash to source: commands, the options of the command, their words, files or folders.
std::string bash_completion();

}  // namespace bertha
