// Labelled examples as JSON lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/labelled_data.h"

namespace bertha {

// One object a line; columns are field names. Texts are strings; a label is a string, a number or
// true or false. Blank lines are passed over. Error{bad_data}: "file:line: ...".
std::vector<Example> read_json_examples(std::string_view text, const std::string& file,
                                        const LabelledOptions& options);

}  // namespace bertha
