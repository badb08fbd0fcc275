// The choice of reader, and sums of statistics.
#include "data_pipeline/text/document_reader.h"

#include <fmt/format.h>

#include "data_pipeline/text/document_readers.h"
#include "parallel/base/error.h"

namespace bertha {

void Document::clear() {
  paragraphs.clear();
  already_sentences = false;
  ends = true;
  number = 0;
  title.clear();
}

void ReadStatistics::add(const ReadStatistics& other) {
  documents += other.documents;
  replaced_bytes += other.replaced_bytes;
  skipped_redirects += other.skipped_redirects;
  skipped_namespaces += other.skipped_namespaces;
  skipped_empty += other.skipped_empty;
  skipped_malformed += other.skipped_malformed;
  malformed_not_json += other.malformed_not_json;
  malformed_without_field += other.malformed_without_field;
  malformed_not_text += other.malformed_not_text;
  malformed_too_long += other.malformed_too_long;
  if (first_malformed.empty()) first_malformed = other.first_malformed;
}

void require_some_record(const std::string& path, const ReadStatistics& statistics,
                         const std::string& text_field) {
  if (statistics.documents + statistics.skipped_empty > 0) return;
  if (statistics.skipped_malformed == 0) return;
  throw Error(
      ErrorKind::bad_data,
      fmt::format("{}: none of its {} lines is a JSON object with text in \"{}\"; first: {}", path,
                  statistics.skipped_malformed, text_field, statistics.first_malformed),
      "name the field with input.text_field, or the format with input.format");
}

std::unique_ptr<DocumentReader> open_documents(const InputFile& file, const std::string& text_field,
                                               LargeRecords* shared) {
  switch (file.format) {
    case TextFormat::text:
      return open_text_documents(file, shared);
    case TextFormat::sentences:
      return open_sentence_documents(file, shared);
    case TextFormat::jsonl:
      return open_jsonl_documents(file, text_field, shared);
    case TextFormat::mediawiki:
      return open_mediawiki_documents(file, shared);
    case TextFormat::automatic:
    case TextFormat::nvidia:
      break;
  }
  throw Error(ErrorKind::internal, file.path.string() + ": its format was not decided");
}

}  // namespace bertha
