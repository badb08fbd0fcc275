// How the parts of the option table declare options. For them only.
#pragma once

#include <string>
#include <vector>

#include "launch/option_table.h"
#include "launch/option_values.h"

namespace bertha {

template <class Access>
OptionDeclaration option(const char* name, const char* value_name, const char* help,
                         Access access) {
  OptionDeclaration declaration{name, value_name, help, false, {}, {}};
  declaration.set = [access](const std::string& text, RunConfig& config) {
    parse_value(text, access(config));
  };
  declaration.text = [access](const RunConfig& config) {
    return value_text(access(const_cast<RunConfig&>(config)));
  };
  return declaration;
}

// The place of an option's value in a RunConfig.
#define BERTHA_AT(member)           \
  [](RunConfig & config) -> auto& { \
    return config.member;           \
  }

// The parts, in the order of the table.
std::vector<OptionDeclaration> text_options();    // input, tokenizer, vocab, prepare
std::vector<OptionDeclaration> data_options();    // data, masking
std::vector<OptionDeclaration> model_options();   // model
std::vector<OptionDeclaration> train_options();   // train, optimizer, schedule, parallel, metrics
std::vector<OptionDeclaration> task_options();    // task
std::vector<OptionDeclaration> plan_options();    // plan
std::vector<OptionDeclaration> export_options();  // export

}  // namespace bertha
