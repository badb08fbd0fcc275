// Whether the labels of words are of one kind: parts of entities, or classes of words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data_pipeline/labelled/tagged_sentences.h"

namespace bertha {

// "B-x", and the same with I, E, S, L or U: a part of an entity.
bool is_entity_label(std::string_view label);

// Looks at the labels of a file. "O" and the single letters that seqeval knows (B, I, E, S) go
// with both kinds. Classes alone, such as parts of speech, are legitimate; seqeval warns of each
// of them, and makes entities of them all the same.
class LabelScheme {
 public:
  // One word a line, else a sentence a line.
  LabelScheme(std::string file, bool word_a_line)
      : file_(std::move(file)), word_a_line_(word_a_line) {}

  // Error{bad_data}: names line and value of a label that is of another kind than those before.
  void add(const TaggedSentence& sentence);
  void end() const;  // a warning when there are classes alone

 private:
  struct Seen {
    std::string label;
    std::uint64_t line;
  };
  void check(std::string_view label, std::uint64_t line);

  std::string file_;
  bool word_a_line_;
  std::optional<Seen> entity_, class_;  // the first of each
};

}  // namespace bertha
