// The completion scripts: a fixed frame for each shell around lists out of the tables.
#include "launch/completion.h"

#include <set>
#include <vector>

#include <fmt/format.h>

#include "launch/option_pages.h"
#include "launch/option_table.h"

namespace bertha {
namespace {

constexpr const char* kBashFrame =
    R"bash(# Bash completion for bertha; made by `bertha completion bash`, which knows every option.
_bertha() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command=${{COMP_WORDS[1]:-}} list=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "{commands} --help --version" -- "$word")
    return
  fi
  if [[ $word == -* ]]; then
    case $command in
{options}    esac
    mapfile -t COMPREPLY < <(compgen -W "$list --config --help --verbose" -- "$word")
    return
  fi
  case $before in
{choices}    {folders})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return ;;
  esac
  [ "$command" = help ] && list="{commands} options"
  [ "$command" = completion ] && list="bash zsh"
  if [ -n "$list" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -F _bertha bertha
)bash";

constexpr const char* kZshFrame =
    R"zsh(#compdef bertha
# Zsh completion for bertha; made by `bertha completion zsh`, which knows every option.
_bertha() {{
  local before=$words[CURRENT-1] command=$words[2] list=
  if (( CURRENT == 2 )); then
    compadd -- {commands} --help --version
    return
  fi
  if [[ $PREFIX == -* ]]; then
    case $command in
{options}    esac
    compadd -- ${{=list}} --config --help --verbose
    return
  fi
  case $before in
{choices}    {folders}) _files -/; return ;;
  esac
  [[ $command == help ]] && list="{commands} options"
  [[ $command == completion ]] && list="bash zsh"
  if [[ -n $list ]]; then compadd -- ${{=list}}; else _files; fi
}}
# Sourced, it registers itself; as a file of $fpath it is called.
if [[ $funcstack[1] == _bertha ]]; then _bertha "$@"; else compdef _bertha bertha; fi
)zsh";

std::string options_of_commands() {
  std::string cases;
  for (const auto& command : command_table()) {
    std::vector<std::string> names;
    for (const auto& option : option_table()) {
      if (reads_option(command, option)) names.push_back("--" + option.name);
    }
    for (const auto& own : command.flags) names.push_back(own);
    if (names.empty()) continue;
    cases += fmt::format("      {}) list=\"{}\" ;;\n", command.name, fmt::join(names, " "));
  }
  return cases;
}

std::string words_of_options() {
  std::string cases;
  for (const auto& option : option_table()) {
    const auto choices = option_choices(option);
    if (choices.empty()) continue;
    cases += fmt::format("    --{}) list=\"{}\" ;;\n", option.name, fmt::join(choices, " "));
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

std::string filled(const char* frame) {
  std::vector<std::string> commands;
  for (const auto& command : command_table()) commands.push_back(command.name);
  return fmt::format(
      fmt::runtime(frame), fmt::arg("commands", fmt::format("{}", fmt::join(commands, " "))),
      fmt::arg("options", options_of_commands()), fmt::arg("choices", words_of_options()),
      fmt::arg("folders", folder_options()));
}

}  // namespace

std::optional<std::string> completion_script(const std::string& shell) {
  if (shell == "bash") return filled(kBashFrame);
  if (shell == "zsh") return filled(kZshFrame);
  return std::nullopt;
}

}  // namespace bertha
