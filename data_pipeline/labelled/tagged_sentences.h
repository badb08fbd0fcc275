// Sentences as lists of words, with or without a label for each: CoNLL columns, JSON lines, or one
// plain sentence a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/labelled/row_source.h"

namespace bertha {

struct TaggedSentence {
  std::vector<std::string> words;
  std::vector<std::string> labels;  // by word; empty without labels
  std::uint64_t line = 0;           // where it begins in the file, from 1
};

struct TaggedOptions {
  // Number from 0, or the name of a JSON field. Empty: the first column, or "words"; the last
  // column, or "labels".
  std::string word_column, label_column;
  // auto | space | tab (what parts the columns) | jsonl | lines (a sentence a line, to predict).
  std::string delimiter = "auto";
  bool labelled = true;  // false: prediction input; labels are not looked at
};

// The sentences of a file, read as they are asked for. CoNLL: a word a line with its columns, a
// blank line or one that begins with -DOCSTART- ends a sentence. A line that begins with "# "
// before a sentence's first word is a comment, unless it has as many columns as the rows around it
// and no "=" as its third word, or those have one column; nothing else is special. Labels are of
// one kind (label_scheme.h). To predict, `auto` takes a file for columns when all its lines have
// the same number of them and that number is one, or the last looks like a BIO label, or several
// lines stand together between blank ones; it says what it took. A file is looked at whole for
// that, but only the beginning of a pipe, where a later line of another width is an error. A blank
// one of plain lines is a sentence without words. Error{bad_data} names file and line.
RowSource<TaggedSentence> open_tagged_file(const std::filesystem::path& path,
                                           const TaggedOptions& options);

}  // namespace bertha
