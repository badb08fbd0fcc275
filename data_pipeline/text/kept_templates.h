// The few templates whose text belongs to the sentence around them.
#pragma once

#include <string>
#include <string_view>

namespace bertha {

struct KeptTemplate {
  std::string_view prefix;     // shown before the arguments
  unsigned int arguments = 0;  // bit n: positional argument n (from 1) is shown
  enum class Form { plain, joined, last_only, measure } form = Form::plain;  // joined: no spaces
};

// Null for all others. `name` as written before the first '|'.
const KeptTemplate* find_kept_template(std::string_view name);

// "name = value": a named argument is never shown.
bool is_named_argument(std::string_view argument);

// "to", "and", "-": {{convert|5|to|10|km}} shows four arguments, {{convert|5|km|mi}} two.
bool is_measure_connector(std::string_view argument);

}  // namespace bertha
