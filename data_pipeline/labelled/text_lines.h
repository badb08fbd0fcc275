// A text file line by line, as valid UTF-8, in memory no more than a row and what is read at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace bertha {

// Lines end at "\n" and are given with it; the last may lack it. Views hold until the next call.
class TextLines {
 public:
  // Appends a piece of text; false at the end.
  using Source = std::function<bool(std::string& text)>;
  enum class Warning { of_replaced_bytes, none };

  // Decompresses, drops a byte order mark and replaces invalid bytes, of which it warns at the end.
  // Error{io}; Error{bad_data} for UTF-16 and damaged compression. A pipe is read once and only as
  // far as is asked for.
  explicit TextLines(const std::filesystem::path& path,
                     Warning warning = Warning::of_replaced_bytes);
  TextLines(std::string file, Source source);
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;

  // Takes the next line. False at the end. Error{bad_data}: all there is is one line, with "\r"s.
  bool next(std::string_view& line);
  // Takes one more line for the same row: `lines` are all that next() and this have given of it.
  bool extend(std::string_view& lines);
  // What next() and extend() gave of the row, after a peek().
  std::string_view current() const {
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }
  std::uint64_t number() const { return number_; }  // of the line that next() gave, from 1

  // Looks at a line to come without taking it: the one `offset` bytes from here, and sets `offset`
  // behind it. What was looked at stays in memory until it is taken.
  bool peek(std::size_t& offset, std::string_view& line);
  std::string_view rest();  // all that is left, not taken either

  const std::string& file() const { return file_; }

 private:
  bool refill();

  std::string file_;
  Source source_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the row that was taken last
  std::uint64_t number_ = 0, lines_of_row_ = 1;
  bool ended_ = false;
};

// The first line that holds more than `blanks`, without those before it; nothing is taken.
std::string_view first_line(TextLines& lines, std::string_view blanks);

// Without its "\n" and a "\r" before that; "\r" at the end of a file's last line goes as well.
std::string_view without_line_end(std::string_view line);

}  // namespace bertha
