// Finds line ends in the repaired stream.
#include "data_pipeline/text/line_reader.h"

namespace bertha {

LineReader::LineReader(const InputFile& file, std::size_t maximum_line_bytes, LargeRecordTurn& turn)
    : source_(file, turn.shared()), maximum_line_bytes_(maximum_line_bytes), turn_(turn) {}

void LineReader::shrink() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  buffer_.shrink_to_fit();
}

bool LineReader::refill() {
  if (ended_) return false;
  // What is left of the old chunks moves to the front only here, once per line at most.
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  ended_ = !source_.append_next(buffer_);
  return !ended_;
}

std::string_view LineReader::take(std::size_t bytes, std::size_t separator_bytes) {
  std::string_view line = std::string_view(buffer_).substr(begin_, bytes);
  begin_ += bytes + separator_bytes;
  searched_ = begin_;
  return line;
}

std::string_view LineReader::take_piece() {
  std::size_t bytes = maximum_line_bytes_;
  while (bytes > 0 && (static_cast<unsigned char>(buffer_[begin_ + bytes]) & 0xC0U) == 0x80U) {
    --bytes;
  }
  return take(bytes, 0);
}

bool LineReader::next(std::string_view& line) {
  if (!cut_) ++line_number_;
  for (;;) {
    const auto end = buffer_.find('\n', searched_);
    const bool found = end != std::string::npos;
    const std::size_t length = (found ? end : buffer_.size()) - begin_;
    if (length > maximum_line_bytes_) {
      line = take_piece();
      cut_ = true;
      return true;
    }
    if (found) {
      line = take(length, 1);
      break;
    }
    searched_ = buffer_.size();
    turn_.hold(length);
    if (refill()) continue;
    if (length == 0 && !cut_) {
      --line_number_;
      return false;
    }
    line = take(length, 0);
    break;
  }
  cut_ = false;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

}  // namespace bertha
