// One string field of a JSON object, without building the rest of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bertha {

enum class JsonFault { none, not_json, without_field, not_text };

// Text, or why there is none (empty when there is).
struct JsonField {
  std::string text;
  std::string fault;
  JsonFault kind = JsonFault::none;
  std::uint64_t replaced_bytes = 0;  // of escapes, anywhere in the line
};

// `line` is valid UTF-8. As in Python's json, the last of several fields of that name counts, and
// escaped lone surrogates are no error: they become U+FFFD. `result` is overwritten; its text keeps
// its memory.
void read_json_field(std::string_view line, const std::string& field, JsonField& result);

}  // namespace bertha
