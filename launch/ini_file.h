// Reads and writes INI text: sections, `name = value`, comments, quoted values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bertha {

struct IniEntry {
  std::string name;  // "section.key", or "key" above the first section
  std::string value;
  int line = 0;
  bool quoted = false;
};

// `file` is for messages. A `#` or `;` begins a comment at the start of a line or after a space; in
// "double quotes" everything is literal but \" \\ \n. Error{usage} names the file and the line.
std::vector<IniEntry> parse_ini(std::string_view text, const std::string& file);

// The value as parse_ini reads it back, quoted where that is needed: one of `several` of an option
// also where it has blanks, which part several values on one line.
std::string ini_value(const std::string& value, bool several = false);

}  // namespace bertha
