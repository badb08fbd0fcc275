// The completion script: a fixed frame around lists out of the tables.
#include "launch/completion.h"

#include <set>
#include <vector>

#include <fmt/format.h>

#include "launch/option_pages.h"
#include "launch/option_table.h"

namespace bertha {
namespace {

constexpr const char* kFrame =
    R"bash(# Bash completion for bertha; made by `bertha completion bash`, which knows every option.
_bertha() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command=${{COMP_WORDS[1]:-}} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "{commands} --help --version" -- "$word")
    return
  fi
  if [[ $word == -* ]]; then
    case $command in
{options}    esac
    mapfile -t COMPREPLY < <(compgen -W "$words --config --help" -- "$word")
    return
  fi
  case $before in
{choices}    {folders})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return ;;
  esac
  [ "$command" = help ] && words="{commands} options"
  [ "$command" = completion ] && words=bash
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -F _bertha bertha
)bash";

std::string options_of_commands() {
  std::string cases;
  for (const auto& command : command_table()) {
    std::vector<std::string> names;
    for (const auto& option : option_table()) {
      if (reads_option(command, option)) names.push_back("--" + option.name);
    }
    for (const auto& own : command.flags) names.push_back(own);
    if (names.empty()) continue;
    cases += fmt::format("      {}) words=\"{}\" ;;\n", command.name, fmt::join(names, " "));
  }
  return cases;
}

std::string words_of_options() {
  std::string cases;
  for (const auto& option : option_table()) {
    const auto choices = option_choices(option);
    if (choices.empty()) continue;
    cases += fmt::format("    --{}) words=\"{}\" ;;\n", option.name, fmt::join(choices, " "));
  }
  return cases;
}

std::string folder_options() {
  std::vector<std::string> names;
  for (const auto& option : option_table()) {
    if (option.value_name == "FOLDER") names.push_back("--" + option.name);
  }
  return fmt::format("{}", fmt::join(names, "|"));
}

}  // namespace

std::string bash_completion() {
  std::vector<std::string> commands;
  for (const auto& command : command_table()) commands.push_back(command.name);
  return fmt::format(
      fmt::runtime(kFrame), fmt::arg("commands", fmt::format("{}", fmt::join(commands, " "))),
      fmt::arg("options", options_of_commands()), fmt::arg("choices", words_of_options()),
      fmt::arg("folders", folder_options()));
}

}  // namespace bertha
