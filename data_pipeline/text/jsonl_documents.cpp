// JSON lines: a record is a document.
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/json_field.h"
#include "data_pipeline/text/line_reader.h"
#include "data_pipeline/text/paragraph_builder.h"

namespace bertha {
namespace {

class JsonlDocuments final : public DocumentReader {
 public:
  JsonlDocuments(const InputFile& file, std::string text_field, LargeRecords* shared)
      : turn_(shared),
        lines_(file, kMaximumRecordBytes, turn_),
        text_field_(std::move(text_field)),
        begin_(file.begin),
        part_of_file_(file.is_part()) {}

  bool next(Document& document) override;
  const ReadStatistics& statistics() const override { return statistics_; }
  std::uint64_t compressed_bytes_read() const override { return lines_.compressed_bytes_read(); }

 private:
  bool read_record(Document& document, std::string_view line);
  void skip_malformed(const std::string& reason, std::uint64_t& counter);
  void skip_rest_of_line();
  void end_turn();

  LargeRecordTurn turn_;  // ends when all the rest is gone
  LineReader lines_;
  std::string text_field_;
  JsonField field_;  // of the last record
  std::uint64_t begin_;
  bool part_of_file_;
  std::uint64_t replaced_escapes_ = 0;  // bytes of them
  ReadStatistics statistics_;
};

// `counter`: of the statistics, for the reason.
void JsonlDocuments::skip_malformed(const std::string& reason, std::uint64_t& counter) {
  ++counter;
  if (statistics_.skipped_malformed++ == 0) {
    statistics_.first_malformed =
        begin_ == 0 ? fmt::format("{}:{}: {}", lines_.path(), lines_.line_number(), reason)
                    : fmt::format("{}: line {} behind byte {}: {}", lines_.path(),
                                  lines_.line_number(), begin_, reason);
  }
}

void JsonlDocuments::skip_rest_of_line() {
  std::string_view piece;
  while (lines_.cut() && lines_.next(piece)) {
  }
}

// Of a large record nothing is left.
void JsonlDocuments::end_turn() {
  if (!turn_.held()) return;
  lines_.shrink();
  field_ = {};
  turn_.end();
}

bool JsonlDocuments::read_record(Document& document, std::string_view line) {
  read_json_field(line, text_field_, field_);
  replaced_escapes_ += field_.replaced_bytes;
  statistics_.replaced_bytes += field_.replaced_bytes;
  if (!field_.fault.empty()) {
    skip_malformed(field_.fault, field_.kind == JsonFault::not_json ? statistics_.malformed_not_json
                                 : field_.kind == JsonFault::without_field
                                     ? statistics_.malformed_without_field
                                     : statistics_.malformed_not_text);
    return false;
  }
  if (turn_.held()) lines_.shrink();  // never more than twice a large record
  ParagraphBuilder(document.paragraphs).add_text(field_.text);
  if (turn_.held()) field_ = {};
  if (document.paragraphs.empty()) ++statistics_.skipped_empty;
  return !document.paragraphs.empty();
}

bool JsonlDocuments::next(Document& document) {
  document.clear();
  end_turn();
  std::string_view line;
  while (lines_.next(line)) {
    statistics_.replaced_bytes = lines_.replaced_bytes() + replaced_escapes_;
    if (lines_.cut()) {
      skip_malformed(fmt::format("longer than {} MiB", kMaximumRecordBytes >> 20),
                     statistics_.malformed_too_long);
      skip_rest_of_line();
    } else if (!trim(line).empty() && read_record(document, line)) {
      document.number = statistics_.documents++;
      return true;
    }
    end_turn();
  }
  statistics_.replaced_bytes = lines_.replaced_bytes() + replaced_escapes_;
  if (part_of_file_) return false;
  require_some_record(lines_.path(), statistics_, text_field_);
  if (statistics_.documents + statistics_.skipped_malformed == 0 &&
      statistics_.skipped_empty == 0) {
    statistics_.skipped_empty = 1;  // the file itself
  }
  return false;
}

}  // namespace

std::unique_ptr<DocumentReader> open_jsonl_documents(const InputFile& file,
                                                     const std::string& text_field,
                                                     LargeRecords* shared) {
  return std::make_unique<JsonlDocuments>(file, text_field, shared);
}

}  // namespace bertha
