// Lines of blank-parted columns: what they hold together, and the sentences they make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/labelled/tagged_sentences.h"

namespace bertha {

using Columns = std::vector<std::string_view>;  // empty: a blank line

Columns columns_of(std::string_view line, bool tabs_only);

// Whether a line that begins a sentence may be a comment: it begins with "# ".
bool may_be_comment(std::string_view line);

// Whether lines to predict are columns (a word a line) or plain sentences, as far as they were
// seen; tagged_sentences.h says by what.
class ColumnGuess {
 public:
  // Comments are passed over.
  void add(std::string_view line, bool tabs_only);
  std::optional<bool> certain() const { return certain_; }  // whatever lines follow
  bool likely() const;                                      // if no more lines follow
  std::size_t width() const { return width_; }              // of all lines so far

 private:
  void add(const Columns& columns);

  std::size_t width_ = 0, together_ = 0, longest_ = 0, blanks_ = 0;
  bool labels_ = true, comments_ = false;
  std::optional<bool> certain_;
};

// Makes sentences out of lines of columns, one after the other.
class ColumnSentences {
 public:
  // Error{usage} for columns that are no numbers.
  ColumnSentences(std::string file, const TaggedOptions& options);

  // True when `columns` ends the sentence; false when its word was added to it.
  bool add(std::uint64_t line, const Columns& columns, TaggedSentence& sentence) const;

 private:
  struct Line {
    std::uint64_t number;
    const Columns& columns;
  };
  void add_word(const Line& line, TaggedSentence& sentence) const;
  std::string_view column(const Line& line, std::size_t place) const;
  [[noreturn]] void fail(const Line& line, const std::string& what,
                         const std::string& remedy) const;

  std::string file_;
  bool labelled_;
  std::size_t word_;
  std::optional<std::size_t> label_;
};

}  // namespace bertha
