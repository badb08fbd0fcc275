// Every option, declared once: name, help, where its value lives.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launch/run_config.h"

namespace bertha {

struct OptionDeclaration {
  std::string name;                                         // "optimizer.learning_rate"
  std::string value_name;                                   // for help: "RATE"
  std::string help;                                         // one sentence; units stated
  bool several = false;                                     // takes more than one value
  std::function<void(const std::string&, RunConfig&)> set;  // throws std::invalid_argument
  std::function<std::string(const RunConfig&)> text;        // current value

  std::string section() const { return name.substr(0, name.find('.')); }
  std::string key() const { return name.substr(name.find('.') + 1); }
};

const std::vector<OptionDeclaration>& option_table();

struct CommandDeclaration {
  std::string name;
  std::string help;
  std::vector<std::string> sections;  // that it reads
  std::string arguments;              // positional, for help: "PATH"
  std::string example;
  std::vector<std::string> flags{};    // besides the options: "--json"
  std::vector<std::string> options{};  // that it reads of other sections, by name
};
const std::vector<CommandDeclaration>& command_table();

}  // namespace bertha
