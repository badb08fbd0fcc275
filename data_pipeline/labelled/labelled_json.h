// Labelled examples as JSON lines.
#pragma once

#include <memory>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/row_source.h"
#include "data_pipeline/labelled/tagged_sentences.h"
#include "data_pipeline/labelled/text_lines.h"

namespace bertha {

// One object a line; columns are field names. Texts are strings; a label is a string, a number or
// true or false; with options.several a list of those too, kept as JSON. Blank lines are passed
// over. Error{bad_data}: "file:line: ...".
RowSource<Example> json_examples(std::shared_ptr<TextLines> lines, const LabelledOptions& options);

// The same with a list of words, and one of as many labels.
RowSource<TaggedSentence> json_sentences(std::shared_ptr<TextLines> lines,
                                         const TaggedOptions& options);

}  // namespace bertha
