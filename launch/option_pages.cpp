// Pages of options.
#include "launch/option_pages.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "launch/option_ranges.h"
#include "launch/options.h"

namespace bertha {
namespace {

constexpr std::string_view kOneOf = "one of ";

// What the parser says it expected of a text; empty: it takes it.
std::string expected_instead_of(const OptionDeclaration& option, const std::string& text) {
  RunConfig unused;
  try {
    option.set(text, unused);
  } catch (const std::invalid_argument& expected) {
    return expected.what();
  }
  return {};
}

std::string parser_expects(const OptionDeclaration& option) {
  const auto expected = expected_instead_of(option, "\x01");
  const auto whole = expected.empty() ? expected : expected_instead_of(option, "0.5");
  return whole.empty() ? expected : whole;
}

// "a, b or c" as its words; nothing when it is no such list.
std::vector<std::string> listed_words(std::string text) {
  if (const auto last = text.rfind(" or "); last != std::string::npos) {
    text = fmt::format("{}, {}", text.substr(0, last), text.substr(last + 4));
  }
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(", ", begin), text.size());
    const auto word = text.substr(begin, end - begin);
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain) return {};
    words.push_back(word);
    begin = end + 2;
  }
  if (words.size() < 2) words.clear();
  return words;
}

std::string defaults_text(const OptionDeclaration& option) {
  const auto usual = option.text(default_config(""));
  auto text = usual.empty() ? std::string("none") : usual;
  for (const auto& command : command_table()) {
    const auto value = option.text(default_config(command.name));
    if (value != usual && reads_option(command, option)) {
      text += fmt::format(" ({}: {})", command.name, value);
    }
  }
  return text;
}

std::string commands_text(const OptionDeclaration& option) {
  std::string text;
  for (const auto& command : command_table()) {
    if (reads_option(command, option)) text += (text.empty() ? "" : ", ") + command.name;
  }
  return text;
}

void print_page(std::ostream& out, const OptionDeclaration& option) {
  const auto choices = option_choices(option);
  auto example = option.text(default_config(""));
  if (example.empty()) example = choices.empty() ? option.value_name : choices.front();
  out << fmt::format(
      "{}\n  {}\n  takes         {}\n  default       {}\n  read by       {}\n"
      "  command line  --{} {}\n  INI file      [{}] {} = {}\n",
      option.name, option.help, option_takes(option), defaults_text(option), commands_text(option),
      option.name, example, option.section(), option.key(), example);
}

}  // namespace

std::vector<std::string> option_choices(const OptionDeclaration& option) {
  const auto expected = parser_expects(option);
  if (expected == "true or false") return {"true", "false"};
  if (expected.starts_with(kOneOf)) return listed_words(expected.substr(kOneOf.size()));
  if (!expected.empty()) return {};
  // A text that is checked where it is used: its help begins with the list.
  return listed_words(option.help.substr(0, option.help.find_first_of(".;:(")));
}

std::string option_takes(const OptionDeclaration& option) {
  const auto expected = parser_expects(option);
  if (const auto range = option_range(option.name)) return expected + ", " + range->text();
  if (!expected.empty()) return expected;
  const auto choices = option_choices(option);
  if (!choices.empty()) return fmt::format("{}{}", kOneOf, fmt::join(choices, ", "));
  static const std::map<std::string, std::string> kinds{
      {"FILE", "a file"},
      {"FOLDER", "a folder"},
      {"PATH", "a file or folder"},
      {"PATH...", "one or several files, folders or globs"}};
  const auto kind = kinds.find(option.value_name);
  return kind == kinds.end() ? "text" : kind->second;
}

bool reads_option(const CommandDeclaration& command, const OptionDeclaration& option) {
  const auto holds = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  return holds(command.sections, option.section()) || holds(command.options, option.name);
}

bool print_option_pages(std::ostream& out, const std::string& topic) {
  const auto name = topic.substr(std::min(topic.find_first_not_of('-'), topic.size()));
  bool any = false;
  for (const auto& option : option_table()) {
    if (name != "options" && name != option.name && name != option.section()) continue;
    if (any) out << '\n';
    print_page(out, option);
    any = true;
  }
  return any;
}

}  // namespace bertha
