// Pages out of a MediaWiki XML export (schema 0.3 to 0.11), a piece of the file at a time.
#pragma once

#include <memory>
#include <string>

#include "data_pipeline/text/large_records.h"
#include "data_pipeline/text/utf8_text.h"
#include "data_pipeline/text/wiki_names.h"

namespace bertha {

struct WikiPage {
  std::string title, ns, model;  // ns: the namespace's number; empty in dumps before schema 0.6
  std::string text;              // of the last revision, which is the newest
  bool redirect = false;
  bool oversized = false;  // the text was over kMaximumRecordBytes, and is empty
};

class MediaWikiParser {
 public:
  // `turn` is taken for a large article; whoever ends it does so before the next one.
  MediaWikiParser(const InputFile& file, LargeRecordTurn& turn);
  ~MediaWikiParser();

  // False at the end. Error{bad_data} names file and line: broken or shortened XML, another root
  // element, entity declarations (dumps need none; they are how a small file grows to gigabytes).
  bool next(WikiPage& page);

  const WikiNames& names() const;  // with the namespaces the dump declares
  std::string place() const;       // file and line, for messages
  std::uint64_t replaced_bytes() const { return source_.replaced_bytes(); }
  std::uint64_t compressed_bytes_read() const { return source_.compressed_bytes_read(); }

 private:
  struct State;
  void feed();

  std::uint64_t line() const;

  Utf8Source source_;
  std::uint64_t begin_;  // of a part of the file
  std::string chunk_;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
