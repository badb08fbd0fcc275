// Lines of a text in bounded memory, whatever their length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_pipeline/text/large_records.h"
#include "data_pipeline/text/utf8_text.h"

namespace bertha {

// Lines end at "\n" or "\r\n", nowhere else: U+2028 and the like are characters of a line.
class LineReader {
 public:
  // `turn` is taken for a large line; whoever ends it calls shrink() before.
  LineReader(const InputFile& file, std::size_t maximum_line_bytes, LargeRecordTurn& turn);

  // The view holds until the next call. False at the end. A line over the maximum comes in pieces
  // of whole characters; all but its last are `cut`.
  bool next(std::string_view& line);
  bool cut() const { return cut_; }
  void shrink();  // frees what a large line needed; its view is over
  std::uint64_t line_number() const { return line_number_; }  // of the last line, from 1

  const std::string& path() const { return source_.path(); }
  std::uint64_t replaced_bytes() const { return source_.replaced_bytes(); }
  std::uint64_t compressed_bytes_read() const { return source_.compressed_bytes_read(); }

 private:
  bool refill();
  std::string_view take(std::size_t bytes, std::size_t separator_bytes);
  std::string_view take_piece();

  Utf8Source source_;
  std::size_t maximum_line_bytes_;
  LargeRecordTurn& turn_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;  // [begin_, searched_) holds no line end
  bool ended_ = false, cut_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace bertha
