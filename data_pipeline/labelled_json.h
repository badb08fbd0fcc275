// Labelled examples as JSON lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/labelled_data.h"
#include "data_pipeline/tagged_sentences.h"

namespace bertha {

// One object a line; columns are field names. Texts are strings; a label is a string, a number or
// true or false; with options.several a list of those too, kept as JSON. Blank lines are passed
// over. Error{bad_data}: "file:line: ...".
std::vector<Example> read_json_examples(std::string_view text, const std::string& file,
                                        const LabelledOptions& options);

// The same with a list of words, and one of as many labels.
std::vector<TaggedSentence> read_json_sentences(std::string_view text, const std::string& file,
                                                const TaggedOptions& options);

}  // namespace bertha
