// Plain text (a file is a document) and BERT's own format (one sentence a line).
#include <string>

#include "data_pipeline/text/code_points.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/line_reader.h"
#include "data_pipeline/text/paragraph_builder.h"

namespace bertha {
namespace {

constexpr std::size_t kPartBytes = 1 << 16;  // and the rest of a paragraph

class TextDocuments final : public DocumentReader {
 public:
  TextDocuments(const InputFile& file, LargeRecords* shared)
      : turn_(shared), lines_(file, kMaximumParagraphBytes, turn_), part_(file.is_part()) {}

  bool next(Document& document) override;
  const ReadStatistics& statistics() const override { return statistics_; }
  std::uint64_t compressed_bytes_read() const override { return lines_.compressed_bytes_read(); }

 private:
  LargeRecordTurn turn_;  // ends when all the rest is gone
  LineReader lines_;
  bool part_;              // of a file
  std::size_t bytes_ = 0;  // of the document's parts so far
  std::string waiting_;    // the first line of its next part
  ReadStatistics statistics_;
};

// A part ends where the next paragraph begins, which waits for the next call.
bool TextDocuments::next(Document& document) {
  document.clear();
  turn_.end();
  const std::size_t bytes_before = bytes_;
  ParagraphBuilder builder(document.paragraphs, bytes_before);
  builder.add_line(waiting_);
  waiting_.clear();
  for (std::string_view line; lines_.next(line);) {
    const bool is_enough = builder.bytes() - bytes_before >= kPartBytes;
    if (is_enough && builder.between_paragraphs() && !trim(line).empty()) {
      waiting_ = line;
      document.ends = false;
      break;
    }
    builder.add_line(line);
    turn_.hold(builder.bytes() - bytes_before);
    if (builder.bytes() >= kMaximumDocumentBytes && builder.between_paragraphs()) break;
    // A file without a single blank line, or line end, must end somewhere too.
    if (builder.bytes() >= kMaximumDocumentBytes + kMaximumParagraphBytes) break;
  }
  bytes_ = document.ends ? 0 : builder.bytes();
  statistics_.replaced_bytes = lines_.replaced_bytes();
  if (document.paragraphs.empty()) {
    if (statistics_.documents == 0 && !part_) statistics_.skipped_empty = 1;
    return false;
  }
  if (bytes_before == 0) ++statistics_.documents;
  document.number = statistics_.documents - 1;
  return true;
}

class SentenceDocuments final : public DocumentReader {
 public:
  SentenceDocuments(const InputFile& file, LargeRecords* shared)
      : turn_(shared), lines_(file, kMaximumParagraphBytes, turn_), part_(file.is_part()) {}

  bool next(Document& document) override;
  const ReadStatistics& statistics() const override { return statistics_; }
  std::uint64_t compressed_bytes_read() const override { return lines_.compressed_bytes_read(); }

 private:
  LargeRecordTurn turn_;  // ends when all the rest is gone
  LineReader lines_;
  bool part_;  // of a file
  ReadStatistics statistics_;
};

bool SentenceDocuments::next(Document& document) {
  document.clear();
  turn_.end();
  document.already_sentences = true;
  std::size_t bytes = 0;
  std::string_view line;
  while (bytes < kMaximumDocumentBytes && lines_.next(line)) {
    const std::string_view sentence = trim(line);
    if (!sentence.empty()) {
      document.paragraphs.add(sentence);
      bytes += sentence.size() + kParagraphBytes;
      turn_.hold(bytes);
    } else if (!document.paragraphs.empty()) {
      break;
    }
  }
  statistics_.replaced_bytes = lines_.replaced_bytes();
  if (document.paragraphs.empty()) {
    if (statistics_.documents == 0 && !part_) statistics_.skipped_empty = 1;
    return false;
  }
  document.number = statistics_.documents++;
  return true;
}

}  // namespace

std::unique_ptr<DocumentReader> open_text_documents(const InputFile& file, LargeRecords* shared) {
  return std::make_unique<TextDocuments>(file, shared);
}

std::unique_ptr<DocumentReader> open_sentence_documents(const InputFile& file,
                                                        LargeRecords* shared) {
  return std::make_unique<SentenceDocuments>(file, shared);
}

}  // namespace bertha
