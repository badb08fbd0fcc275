// Reads through the text readers' decompression and UTF-8 repair.
#include "data_pipeline/labelled/text_lines.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/text/format_detection.h"
#include "data_pipeline/text/utf8_text.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

InputFile input_file(const std::filesystem::path& path) {
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault)) {
    throw_io_error("read", path.string(), EISDIR);
  }
  if (!std::filesystem::exists(path, fault)) throw_io_error("open", path.string(), ENOENT);
  // A pipe can be read only once: its first bytes are not looked at beforehand.
  const auto compression = std::filesystem::is_regular_file(path, fault)
                               ? detect_compression(path)
                               : detect_compression(path, {});
  return {path, TextFormat::text, compression, 0};
}

class TextFile {
 public:
  TextFile(const std::filesystem::path& path, TextLines::Warning warning)
      : source_(input_file(path)), warns_(warning == TextLines::Warning::of_replaced_bytes) {}
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  // What was read of a file that then turned out to be bad was replaced all the same.
  ~TextFile() {
    try {
      warn();
    } catch (const std::exception&) {
    }
  }
  bool append_next(std::string& text) {
    if (source_.append_next(text)) return true;
    warn();
    return false;
  }

 private:
  void warn() {
    if (source_.replaced_bytes() == 0 || !std::exchange(warns_, false)) return;
    log_warning(fmt::format("{}: {} byte(s) that are not UTF-8 were replaced", source_.path(),
                            source_.replaced_bytes()));
  }

  Utf8Source source_;
  bool warns_;
};

TextLines::Source source_of_file(const std::filesystem::path& path, TextLines::Warning warning) {
  const auto file = std::make_shared<TextFile>(path, warning);
  return [file](std::string& text) { return file->append_next(text); };
}

// Lines as old Macs ended them would be read as one, and found fault with for anything else.
void refuse_lone_carriage_returns(std::string_view first_line, const std::string& file) {
  if (first_line.ends_with('\n')) return;
  const auto text = without_line_end(first_line);
  if (std::count(text.begin(), text.end(), '\r') < 2) return;
  throw Error(ErrorKind::bad_data, file + ": lines end with CR alone, and none with LF",
              "convert it: tr '\\r' '\\n' <old >new");
}

}  // namespace

TextLines::TextLines(const std::filesystem::path& path, Warning warning)
    : TextLines(path.string(), source_of_file(path, warning)) {}

TextLines::TextLines(std::string file, Source source)
    : file_(std::move(file)), source_(std::move(source)) {}

bool TextLines::refill() {
  if (ended_) return false;
  buffer_.erase(0, begin_);  // at most once a row; what is left is not more than one, mostly
  end_ -= begin_;
  begin_ = 0;
  ended_ = !source_(buffer_);
  return !ended_;
}

bool TextLines::next(std::string_view& line) {
  begin_ = end_;
  number_ += lines_of_row_;
  lines_of_row_ = 0;
  if (!extend(line)) return false;
  if (number_ == 1) refuse_lone_carriage_returns(line, file_);
  return true;
}

bool TextLines::extend(std::string_view& lines) {
  std::size_t bytes = 0;
  if (std::string_view line; !peek(bytes, line)) return false;
  end_ += bytes;
  ++lines_of_row_;
  lines = std::string_view(buffer_).substr(begin_, end_ - begin_);
  return true;
}

bool TextLines::peek(std::size_t& offset, std::string_view& line) {
  auto searched = offset;  // a long line is searched once, however many pieces it comes in
  for (bool more = true; more; more = refill()) {
    const auto ahead = std::string_view(buffer_).substr(end_);
    const auto end = ahead.find('\n', searched);
    if (end != std::string_view::npos) {
      line = ahead.substr(offset, end + 1 - offset);
      offset = end + 1;
      return true;
    }
    searched = ahead.size();
  }
  line = std::string_view(buffer_).substr(end_ + offset);
  offset += line.size();
  return !line.empty();
}

std::string_view TextLines::rest() {
  while (refill()) {
  }
  return std::string_view(buffer_).substr(end_);
}

std::string_view first_line(TextLines& lines, std::string_view blanks) {
  std::string_view line;
  for (std::size_t offset = 0; lines.peek(offset, line);) {
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
  }
  return {};
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace bertha
