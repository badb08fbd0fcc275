// One line of metrics.jsonl, parsed without building a document: lines come in millions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

struct EventLine {
  struct Number {
    std::string name;
    double value;
  };
  struct Text {
    std::string name, value;
  };
  std::string event;
  std::int64_t step = 0;
  double time = 0;
  // Other top-level fields; null and nested values are left out.
  std::vector<Number> numbers;
  std::vector<Text> texts;

  const std::string* text(std::string_view name) const;
};

// False when the line is no JSON object with a text `event` and a whole `step` from 0. `line` is
// reused from call to call, so that its memory is.
bool parse_event_line(std::string_view json, EventLine& line);

}  // namespace bertha
