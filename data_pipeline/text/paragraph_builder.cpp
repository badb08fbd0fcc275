// Joins trimmed lines.
#include "data_pipeline/text/paragraph_builder.h"

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"

namespace bertha {

namespace {

// Of a text over the limit, the part that makes a paragraph.
std::size_t piece_bytes(std::string_view text) {
  constexpr std::size_t kNear = 4096;
  const auto space = text.rfind(' ', kMaximumParagraphBytes);
  if (space != text.npos && space > kMaximumParagraphBytes - kNear) return space;
  std::size_t bytes = kMaximumParagraphBytes;
  while ((static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return bytes;
}

}  // namespace

void append_pieces(std::string_view paragraph, Paragraphs& paragraphs) {
  if (paragraph.size() <= kMaximumParagraphBytes) {
    paragraphs.add(paragraph);
    return;
  }
  for (std::string_view rest = paragraph; !rest.empty(); rest = trim(rest)) {
    const auto bytes = rest.size() > kMaximumParagraphBytes ? piece_bytes(rest) : rest.size();
    paragraphs.add(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
  }
}

void ParagraphBuilder::add_line(std::string_view line) {
  line = trim(line);
  if (line.empty()) {
    if (bytes_ < kMaximumDocumentBytes + kMaximumParagraphBytes) open_ = false;
    return;
  }
  if (open_ && paragraphs_.back().size() + line.size() > kMaximumParagraphBytes) open_ = false;
  if (open_) {
    paragraphs_.extend(line);
  } else {
    append_pieces(line, paragraphs_);
    open_ = true;
    bytes_ += kParagraphBytes;
  }
  bytes_ += line.size() + 1;
}

void ParagraphBuilder::add_text(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    add_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace bertha
