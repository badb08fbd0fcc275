// What there is to say of single options: what they take, which commands read them, their page.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "launch/option_table.h"

namespace bertha {

// The words an option takes, if it takes words: {"fp32", "bf16", "fp16"}.
std::vector<std::string> option_choices(const OptionDeclaration& option);
// "a whole number", "one of fp32, bf16, fp16", "FILE": as its parser says.
std::string option_takes(const OptionDeclaration& option);
// Whether the command's help lists it.
bool reads_option(const CommandDeclaration& command, const OptionDeclaration& option);

// Pages of the options of this name or section ("options": of all); false: there are none.
bool print_option_pages(std::ostream& out, const std::string& topic);

}  // namespace bertha
