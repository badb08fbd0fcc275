// INI text, read line by line, so that every message can name one.
#include "launch/ini_file.h"

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::string_view kSpace = " \t\r\f\v";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool begins_comment(char c) {
  return c == '#' || c == ';';
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!begins_comment(text[i])) continue;
    if (i == 0 || kSpace.find(text[i - 1]) != std::string_view::npos) return text.substr(0, i);
  }
  return text;
}

class IniReader {
 public:
  explicit IniReader(const std::string& file) : file_(file) {}

  std::vector<IniEntry> read(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      const auto end = text.find('\n');
      ++line_;
      read_line(trimmed(text.substr(0, end)));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    return std::move(entries_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::usage, fmt::format("{}:{}: {}", file_, line_, what),
                "lines are `name = value` below a [section]");
  }

  void read_line(std::string_view line) {
    if (line.empty() || begins_comment(line.front())) return;
    if (line.find('\0') != std::string_view::npos) fail("a zero byte: this is no INI file");
    if (line.front() == '[') {
      line = trimmed(without_comment(line));
      if (line.back() != ']') fail("the section's name does not end with ]");
      section_ = trimmed(line.substr(1, line.size() - 2));
      if (section_.empty()) fail("the section has no name");
      return;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      fail(fmt::format("'{}' is no setting", line.substr(0, 60)));
    }
    const auto key = trimmed(line.substr(0, equals));
    if (key.empty()) fail("no name before =");
    auto name = section_.empty() ? std::string(key) : fmt::format("{}.{}", section_, key);
    const auto value = trimmed(line.substr(equals + 1));
    entries_.push_back({std::move(name), read_value(value), line_, value.starts_with('"')});
  }

  std::string read_value(std::string_view text) const {
    if (!text.starts_with('"')) return std::string(trimmed(without_comment(text)));
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        if (!trimmed(without_comment(text.substr(i + 1))).empty()) {
          fail("text after the closing quote");
        }
        return value;
      }
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
        value += text[i] == 'n' ? '\n' : text[i];
      } else {
        value += text[i];
      }
    }
    fail("the quoted value does not end");
  }

  const std::string& file_;
  std::string section_;
  std::vector<IniEntry> entries_;
  int line_ = 0;
};

}  // namespace

std::vector<IniEntry> parse_ini(std::string_view text, const std::string& file) {
  return IniReader(file).read(text);
}

std::string ini_value(const std::string& value, bool several) {
  const bool plain = value.find('\n') == std::string::npos && !value.starts_with('"') &&
                     trimmed(without_comment(value)) == value &&
                     !(several && value.find_first_of(kSpace) != std::string::npos);
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace bertha
