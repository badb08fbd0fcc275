// Joins trimmed lines.
#include "data_pipeline/text/paragraph_builder.h"

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"

namespace bertha {

void ParagraphBuilder::add_line(std::string_view line) {
  line = trim(line);
  if (line.empty()) {
    open_ = false;
    return;
  }
  if (open_ && paragraphs_.back().size() + line.size() > kMaximumParagraphBytes) open_ = false;
  if (open_) {
    paragraphs_.back() += ' ';
    paragraphs_.back() += line;
  } else {
    paragraphs_.emplace_back(line);
    open_ = true;
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
