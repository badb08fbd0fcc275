// Streams the documents of one input file, whatever its format, in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "data_pipeline/text/input_files.h"
#include "data_pipeline/text/large_records.h"
#include "data_pipeline/text/paragraphs.h"

namespace bertha {

// Text is valid UTF-8: invalid bytes were replaced by U+FFFD and counted.
struct Document {
  // Paragraphs, to be split into sentences; or the sentences themselves (see below).
  Paragraphs paragraphs;
  bool already_sentences = false;
  bool ends = true;          // false: the next one goes on with it
  std::uint64_t number = 0;  // within the file, from 0
  std::string title;         // of an article; empty in formats that have none

  void clear();  // keeps memory for the next
};

// What was passed over, and why; summed over files by the caller.
struct ReadStatistics {
  std::uint64_t documents = 0;                // handed out
  std::uint64_t replaced_bytes = 0;           // invalid UTF-8 and lone surrogates, now U+FFFD
  std::uint64_t skipped_redirects = 0;        // MediaWiki
  std::uint64_t skipped_namespaces = 0;       // MediaWiki pages that are not articles
  std::uint64_t skipped_empty = 0;            // no text left
  std::uint64_t skipped_malformed = 0;        // the sum of the next four
  std::uint64_t malformed_not_json = 0;       // JSON lines that are no objects
  std::uint64_t malformed_without_field = 0;  // those that lack the text field
  std::uint64_t malformed_not_text = 0;       // those where it holds something else
  std::uint64_t malformed_too_long = 0;       // JSON lines and articles over 64 MiB
  std::string first_malformed;                // "file:line: reason"; empty when there was none

  void add(const ReadStatistics& other);
};

class DocumentReader {
 public:
  virtual ~DocumentReader() = default;
  // False at the end. `document` is overwritten. A long text file comes in parts, of the same
  // number; all others come whole.
  virtual bool next(Document& document) = 0;
  virtual const ReadStatistics& statistics() const = 0;
  virtual std::uint64_t compressed_bytes_read() const = 0;  // for progress
};

// Documents by format:
//   text       the file; blank lines part paragraphs. Beyond 128 MiB it is cut into several
//              documents between paragraphs, a paragraph beyond 1 MiB between lines, and a line
//              beyond 1 MiB between characters, to bound memory.
//   sentences  up to the next blank line (or 128 MiB); each line is a sentence.
//   jsonl      a line whose object has a string in `text_field`; paragraphs as in `text`.
//   mediawiki  an article (namespace 0, no redirect) in its newest revision.
// Documents without text are counted, not handed out. Malformed JSON lines are counted and the
// first is named; a file that holds nothing else is Error{bad_data} at its end.
// Of a part of a file (InputFile::begin) that is not decided: see require_some_record.
// `shared` is for readers side by side: then next() may wait for another one's large document,
// until that one's next() is called again; so who reads must not wait for who waits. Error{io} or
// Error{bad_data} (damaged compression, broken XML, UTF-16 outside XML) name file and place.
std::unique_ptr<DocumentReader> open_documents(const InputFile& file, const std::string& text_field,
                                               LargeRecords* shared = nullptr);

// A JSON-lines file of nothing but malformed lines is the wrong file, or the wrong field:
// Error{bad_data}. `statistics` are of the whole file.
void require_some_record(const std::string& path, const ReadStatistics& statistics,
                         const std::string& text_field);

}  // namespace bertha
