// Reports as bytes, and their merge.
#include "data_pipeline/spill_index.h"

#include <array>

namespace bertha {
namespace {

// Every counter of a report, for packing and unpacking in the same order.
template <class Report>
auto counters(Report& report) {
  auto& read = report.read.statistics;
  return std::array{&report.unknown_tokens,
                    &report.longest_sentence_tokens,
                    &report.documents_without_tokens,
                    &report.read.first_malformed_file,
                    &read.documents,
                    &read.replaced_bytes,
                    &read.skipped_redirects,
                    &read.skipped_namespaces,
                    &read.skipped_empty,
                    &read.skipped_malformed};
}

}  // namespace

std::string SpillReport::pack() const {
  std::string bytes;
  for (const std::uint64_t* counter : counters(*this)) put_number(bytes, *counter);
  put_text(bytes, read.statistics.first_malformed);
  put_number(bytes, files.size());
  for (const FileSection& section : files) {
    put_number(bytes, section.file);
    put_number(bytes, section.documents);
  }
  put_text(bytes, documents);
  return bytes;
}

SpillReport SpillReport::unpack(std::string_view bytes) {
  MessageReader message(bytes);
  SpillReport report;
  for (std::uint64_t* counter : counters(report)) *counter = message.number();
  report.read.statistics.first_malformed = message.text();
  for (std::uint64_t left = message.number(); left > 0; --left) {
    const std::uint64_t file = message.number();
    report.files.push_back({file, message.number()});
  }
  report.documents = message.text();
  return report;
}

DocumentWalk::DocumentWalk(const std::vector<SpillReport>& reports) : reports_(reports) {
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    cursors_.push_back({.documents = MessageReader(reports[rank].documents)});
    queue_section(rank);
  }
}

void DocumentWalk::queue_section(std::size_t rank) {
  const auto& files = reports_[rank].files;
  const std::size_t section = cursors_[rank].section;
  if (section < files.size()) sections_.emplace(files[section].file, rank);
}

bool DocumentWalk::next(SpilledDocument& document) {
  if (left_in_section_ == 0) {
    if (sections_.empty()) return false;
    rank_ = sections_.top().second;
    sections_.pop();
    left_in_section_ = reports_[rank_].files[cursors_[rank_].section++].documents;
    queue_section(rank_);
  }
  --left_in_section_;
  Cursor& cursor = cursors_[rank_];
  document.number = number_++;
  document.rank = rank_;
  document.first_sentence = cursor.sentence;
  document.first_token = cursor.token;
  document.sentences = cursor.documents.number();
  document.tokens = cursor.documents.number();
  cursor.sentence += document.sentences;
  cursor.token += document.tokens;
  return true;
}

}  // namespace bertha
