// Reads options (Boost.Program_options for the command line); keeps order and origin so that errors
// can name them.
#include "launch/options.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "launch/ini_file.h"
#include "launch/nearest_name.h"
#include "launch/option_ranges.h"
#include "launch/option_table.h"
#include "launch/option_values.h"
#include "launch/precision_choice.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {
namespace po = boost::program_options;
namespace fs = std::filesystem;

struct Setting {
  std::string name;
  std::vector<std::string> values;
  std::string origin;  // "command line", "configs/bert.ini"
};

const OptionDeclaration* find_option(const std::string& name) {
  for (const auto& declaration : option_table()) {
    if (declaration.name == name) return &declaration;
  }
  return nullptr;
}

std::vector<std::string> option_names() {
  std::vector<std::string> names{"config", "json", "samples"};
  for (const auto& declaration : option_table()) names.push_back(declaration.name);
  return names;
}

[[noreturn]] void unknown_option(const std::string& name, const std::string& origin) {
  throw Error(ErrorKind::usage, fmt::format("unknown option {} ({})", name, origin),
              fmt::format("the nearest known one is {}; `bertha help` lists all",
                          nearest_name(name, option_names())));
}

po::options_description described_options() {
  po::options_description description;
  for (const auto& declaration : option_table()) {
    auto* value = po::value<std::vector<std::string>>();
    if (declaration.several) value->multitoken();
    description.add_options()(declaration.name.c_str(), value);
  }
  description.add_options()("config", po::value<std::vector<std::string>>())(
      "json", po::bool_switch())("samples", po::value<std::vector<std::string>>())(
      "argument", po::value<std::vector<std::string>>());
  return description;
}

// A line that names several paths has blanks between them, but for a name in quotes or of a file.
std::vector<std::string> values_of(const IniEntry& entry) {
  const bool several = find_option(entry.name)->several;
  if (!several || entry.quoted || fs::exists(entry.value)) return {entry.value};
  std::istringstream line(entry.value);
  std::vector<std::string> values;
  for (std::string value; line >> value;) values.push_back(value);
  return values;
}

// Appends the settings of an INI file, those of the files it includes before its own.
void read_ini(const fs::path& path, std::vector<Setting>& settings, std::set<fs::path>& open) {
  if (!open.insert(fs::weakly_canonical(path)).second) {
    throw Error(ErrorKind::usage, path.string() + " includes itself");
  }
  std::vector<Setting> own;
  for (auto& entry : parse_ini(read_file(path), path.string())) {
    const auto origin = fmt::format("{}:{}", path.string(), entry.line);
    if (entry.name == "include") {
      read_ini(path.parent_path() / entry.value, settings, open);
    } else if (find_option(entry.name)) {
      own.push_back({entry.name, values_of(entry), origin});
    } else {
      unknown_option(entry.name, origin);
    }
  }
  open.erase(fs::weakly_canonical(path));
  settings.insert(settings.end(), own.begin(), own.end());
}

void check_range(const std::string& name, const std::string& value) {
  const auto range = option_range(name);
  if (range && !range->holds(std::strtod(value.c_str(), nullptr))) {
    throw std::invalid_argument("a number " + range->text());
  }
}

void apply_settings(const std::vector<Setting>& settings, RunConfig& config) {
  // A later source replaces what an earlier one gave; repeated values of one source add up.
  std::string last_paths_origin;
  for (const auto& setting : settings) {
    const auto* declaration = find_option(setting.name);
    if (declaration->several) {
      const auto file = setting.origin.substr(0, setting.origin.rfind(':'));
      if (file != last_paths_origin) config.input.paths.clear();
      last_paths_origin = file;
    } else if (setting.values.size() != 1) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} takes one value ({})", setting.name, setting.origin));
    }
    for (const auto& value : setting.values) {
      try {
        declaration->set(value, config);
        check_range(setting.name, value);
      } catch (const std::invalid_argument& expected) {
        throw Error(ErrorKind::usage, fmt::format("{} = '{}' ({}): expected {}", setting.name,
                                                  value, setting.origin, expected.what()));
      }
    }
    config.given.push_back(setting.name);
  }
}

void read_samples(const std::string& value, RunConfig& config) {
  try {
    parse_value(value, config.samples);
  } catch (const std::invalid_argument& expected) {
    throw Error(ErrorKind::usage,
                fmt::format("samples = '{}' (command line): expected {}", value, expected.what()));
  }
}

// What stands on the command line without a name.
void take_argument(const std::string& command, const std::string& argument, RunConfig& config) {
  if (argument.size() > 1 && argument.front() == '-') {
    unknown_option(argument.substr(std::min(argument.find_first_not_of('-'), argument.size())),
                   "command line");
  }
  for (const auto& declaration : command_table()) {
    if (declaration.name != command || !declaration.arguments.empty()) continue;
    throw Error(ErrorKind::usage, fmt::format("{} takes no '{}' (command line)", command, argument),
                "options are written --section.option value");
  }
  config.arguments.push_back(argument);
}

void read_command_line(const std::string& command, const std::vector<std::string>& arguments,
                       std::vector<Setting>& settings, RunConfig& config) {
  const auto description = described_options();
  po::positional_options_description positional;
  positional.add("argument", -1);
  std::vector<Setting> own;
  std::set<fs::path> open;
  try {
    namespace style = po::command_line_style;
    const auto parsed = po::command_line_parser(arguments)
                            .options(description)
                            .positional(positional)
                            .style(style::unix_style & ~style::allow_guessing & ~style::allow_short)
                            .run();
    for (const auto& entry : parsed.options) {
      if (entry.string_key == "config") {
        for (const auto& path : entry.value) read_ini(path, settings, open);
      } else if (entry.string_key == "json") {
        config.json = true;
      } else if (entry.string_key == "samples") {
        read_samples(entry.value.back(), config);
      } else if (entry.string_key == "argument" || entry.position_key >= 0) {
        for (const auto& argument : entry.value) take_argument(command, argument, config);
      } else {
        own.push_back({entry.string_key, entry.value, "command line"});
      }
    }
  } catch (const po::unknown_option& unknown) {
    auto name = unknown.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    unknown_option(name, "command line");
  } catch (const po::error& error) {
    throw Error(ErrorKind::usage, fmt::format("command line: {}", error.what()),
                "options are written --section.option value");
  }
  settings.insert(settings.end(), own.begin(), own.end());
}

void complete(RunConfig& config) {
  if (!config.was_given("tokenizer.strip_accents")) {
    config.tokenizer.strip_accents = config.tokenizer.lower_case;
  }
  if (!config.was_given("task.max_length")) {
    for (const auto& task : labelled_tasks()) {
      if (task.name == config.task.name) config.task.max_length = task.max_length;
    }
  }
  const auto& masking = config.data.masking;
  if (masking.mask_fraction + masking.random_fraction > 1) {
    throw Error(ErrorKind::usage,
                fmt::format("masking.mask_fraction {} and masking.random_fraction {} are more than "
                            "all predictions",
                            masking.mask_fraction, masking.random_fraction),
                "what is left of 1 stays as it is: 0.8 and 0.1 leave 0.1");
  }
  config.prepare.input = config.input;
  config.prepare.vocabulary = config.vocabulary;
  config.prepare.tokenizer = config.tokenizer;
  config.data.vocabulary = config.vocabulary;
  config.data.tokenizer = config.tokenizer;
  for (const auto& declaration : option_table()) {
    config.resolved[declaration.name] = declaration.text(config);
  }
  // Weights to start from say the model's size: writing the default down would contradict them.
  if (!config.trainer.train.init.empty() && !config.was_given("model.size")) {
    config.resolved.erase("model.size");
  }
}

}  // namespace

bool RunConfig::was_given(const std::string& name) const {
  return std::find(given.begin(), given.end(), name) != given.end();
}

RunConfig default_config(const std::string& command) {
  RunConfig config;
  if (command == "finetune") {
    config.trainer.learning_rate = 5e-5;
    config.trainer.schedule.warmup_fraction = 0.1;
    config.trainer.train.retention.keep_last = 2;
  }
  return config;
}

RunConfig read_options(const std::string& command, const std::vector<std::string>& arguments) {
  const auto names = command_names();
  if (std::find(names.begin(), names.end(), command) == names.end()) {
    throw Error(ErrorKind::usage, "unknown command " + command,
                fmt::format("the nearest known one is {}; `bertha help` lists all",
                            nearest_name(command, names)));
  }
  RunConfig config = default_config(command);
  std::vector<Setting> settings;
  read_command_line(command, arguments, settings, config);
  apply_settings(settings, config);
  settle_precision(command, config.trainer.train);
  complete(config);
  return config;
}

std::string resolved_ini(const RunConfig& config) {
  std::string text = "# Every option as used. `--config` with this file repeats the run.\n";
  std::string section;
  for (const auto& declaration : option_table()) {
    const auto found = config.resolved.find(declaration.name);
    if (found == config.resolved.end() || found->second.empty()) continue;
    if (declaration.section() != section) {
      section = declaration.section();
      text += "\n[" + section + "]\n";
    }
    std::istringstream values(found->second);
    for (std::string value; std::getline(values, value);) {
      text += declaration.key() + " = " + ini_value(value, declaration.several) + "\n";
    }
  }
  return text;
}

const std::vector<std::string>& command_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& command : command_table()) all.push_back(command.name);
    return all;
  }();
  return names;
}

}  // namespace bertha
