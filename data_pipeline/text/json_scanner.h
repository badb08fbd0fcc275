// One text field out of a line of JSON, at the speed of copying it; what is not plain is left to a
// full parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bertha {

// Accepts only what RFC 8259 does, but not all of it: numbers with exponents or many digits, deep
// nesting and lone surrogates are not plain.
class JsonScanner {
 public:
  // `line` is valid UTF-8.
  explicit JsonScanner(std::string_view line) : line_(line) {}

  // Whether the line is one plain object whose last `field` is a string; `text` is that string
  // then.
  bool find_text(std::string_view field, std::string& text);

 private:
  static constexpr int kDeepest = 32;
  void skip_space();
  bool take(char wanted);  // after white space
  bool members(std::string_view field, std::string* text, bool& found, int depth);
  bool skip_value(int depth);
  bool skip_elements(int depth);
  bool skip_number();
  bool skip_digits();
  bool string(std::string* to);  // null: checked only
  bool escape(std::string* to);
  bool unit(std::uint32_t& value);

  std::string_view line_;
  std::size_t at_ = 0;
};

}  // namespace bertha
