// Shell completion, generated from the tables of commands and options.
#pragma once

#include <optional>
#include <string>

namespace bertha {

// A script to source: commands, the options of the command, their words, files or folders. Nothing
// for a shell other than bash and zsh.
std::optional<std::string> completion_script(const std::string& shell);

}  // namespace bertha
