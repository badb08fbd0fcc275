// JSON lines: a record is a document.
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/json_field.h"
#include "data_pipeline/text/line_reader.h"
#include "data_pipeline/text/paragraph_builder.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

class JsonlDocuments final : public DocumentReader {
 public:
  JsonlDocuments(const InputFile& file, std::string text_field)
      : lines_(file, kMaximumRecordBytes), text_field_(std::move(text_field)) {}

  bool next(Document& document) override;
  const ReadStatistics& statistics() const override { return statistics_; }
  std::uint64_t compressed_bytes_read() const override { return lines_.compressed_bytes_read(); }

 private:
  bool read_record(Document& document, std::string_view line);
  void skip_malformed(const std::string& reason);
  void skip_rest_of_line();
  void require_some_record() const;

  LineReader lines_;
  std::string text_field_;
  ReadStatistics statistics_;
};

void JsonlDocuments::skip_malformed(const std::string& reason) {
  if (statistics_.skipped_malformed++ == 0) {
    statistics_.first_malformed =
        fmt::format("{}:{}: {}", lines_.path(), lines_.line_number(), reason);
  }
}

void JsonlDocuments::skip_rest_of_line() {
  std::string_view piece;
  while (lines_.cut() && lines_.next(piece)) {
  }
}

bool JsonlDocuments::read_record(Document& document, std::string_view line) {
  JsonField field = read_json_field(line, text_field_);
  if (!field.fault.empty()) {
    skip_malformed(field.fault);
    return false;
  }
  ParagraphBuilder(document.paragraphs).add_text(field.text);
  if (document.paragraphs.empty()) ++statistics_.skipped_empty;
  return !document.paragraphs.empty();
}

// A file of nothing but faults is the wrong file, or the wrong field.
void JsonlDocuments::require_some_record() const {
  if (statistics_.documents + statistics_.skipped_empty > 0) return;
  if (statistics_.skipped_malformed == 0) return;
  throw Error(
      ErrorKind::bad_data,
      fmt::format("{}: none of its {} lines is a JSON object with text in \"{}\"; first: {}",
                  lines_.path(), statistics_.skipped_malformed, text_field_,
                  statistics_.first_malformed),
      "name the field with input.text_field, or the format with input.format");
}

bool JsonlDocuments::next(Document& document) {
  document.paragraphs.clear();
  document.already_sentences = false;
  document.title.clear();
  std::string_view line;
  while (lines_.next(line)) {
    statistics_.replaced_bytes = lines_.replaced_bytes();
    if (lines_.cut()) {
      skip_malformed(fmt::format("longer than {} MiB", kMaximumRecordBytes >> 20));
      skip_rest_of_line();
    } else if (!trim(line).empty() && read_record(document, line)) {
      document.number = statistics_.documents++;
      return true;
    }
  }
  statistics_.replaced_bytes = lines_.replaced_bytes();
  require_some_record();
  if (statistics_.documents + statistics_.skipped_malformed == 0 &&
      statistics_.skipped_empty == 0) {
    statistics_.skipped_empty = 1;  // the file itself
  }
  return false;
}

}  // namespace

std::unique_ptr<DocumentReader> open_jsonl_documents(const InputFile& file,
                                                     const std::string& text_field) {
  return std::make_unique<JsonlDocuments>(file, text_field);
}

}  // namespace bertha
