// A byte source as valid UTF-8: invalid bytes become U+FFFD, a byte order mark at the start goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "data_pipeline/text/byte_source.h"
#include "data_pipeline/text/large_records.h"

namespace bertha {

// One U+FFFD for each maximal subpart of an ill-formed sequence, as the Unicode Standard recommends
// (section 3.9, "U+FFFD Substitution of Maximal Subparts") and Python's errors="replace" does.
class Utf8Repair {
 public:
  // Appends the repaired text of `bytes`. A character cut off at the end waits for the next call.
  void append(std::string_view bytes, std::string& text);
  void finish(std::string& text);  // the input is over: what waits was incomplete
  std::uint64_t replaced_bytes() const { return replaced_bytes_; }

 private:
  void end_pending(std::string_view& bytes, std::string& text);

  std::string pending_;
  std::uint64_t replaced_bytes_ = 0;
};

class Utf8Source {
 public:
  // `shared` is for readers side by side: a file with a wide window waits for its turn.
  explicit Utf8Source(const InputFile& file, LargeRecords* shared = nullptr);

  // Appends the next piece of whole characters; false at the end. UTF-16 is Error{bad_data}, unless
  // it is allowed: then its bytes come as they are.
  bool append_next(std::string& text);
  void allow_utf16() { utf16_allowed_ = true; }
  bool is_utf16() const { return utf16_; }  // known after the first piece

  const std::string& path() const { return path_; }
  std::uint64_t replaced_bytes() const { return repair_.replaced_bytes(); }
  std::uint64_t compressed_bytes_read() const { return source_->compressed_bytes_read(); }

 private:
  void read_some();  // into raw_; empty at the end
  void begin();      // looks for byte order marks

  std::string path_;
  WideWindowTurn turn_;  // ends when the source is gone
  std::unique_ptr<ByteSource> source_;
  Utf8Repair repair_;
  std::unique_ptr<char[]> buffer_;  // what raw_ shows
  std::string_view raw_;
  bool file_start_;  // a byte order mark may stand here
  bool started_ = false, finished_ = false, utf16_ = false, utf16_allowed_ = false;
};

}  // namespace bertha
