// Batches: tokenized here, or by a helper where one waits; written in the order of reading.
#include "data_pipeline/prepare/prepare_reading.h"

#include <utility>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/paragraph_builder.h"
#include "parallel/base/fault.h"

namespace bertha {
namespace {

// What is tokenized here leaves the second-level cache to the tokenizer's trie; what is handed over
// is worth the way.
constexpr std::size_t kOwnBatchBytes = 1 << 15, kHandedBatchBytes = 1 << 18;
// Itself, and at most a token id.
constexpr std::size_t kBytesPerTextByte = 1 + sizeof(std::int32_t);

}  // namespace

SpillReport UnitReading::run(const InputUnit& unit) {
  ReadStatistics read;
  for (const InputFile& file : unit.files) read_file(file, read);
  end_batch();
  write_done(true);
  return spill_.finish(read);
}

void UnitReading::read_file(const InputFile& file, ReadStatistics& read) {
  const auto documents = open_documents(file, context_.text_field, &context_.large_records);
  std::uint64_t told = 0;
  const auto tell = [&](std::uint64_t bytes) {
    if (bytes > told) context_.input_bytes += bytes - std::exchange(told, bytes);
  };
  while (documents->next(document_)) {
    inject_fault("tokenize");
    add_document(document_);
    tell(documents->compressed_bytes_read());
  }
  tell(file.bytes);
  read.add(documents->statistics());
}

// A long document is cut between paragraphs.
void UnitReading::add_document(const Document& document) {
  const Paragraphs& paragraphs = document.paragraphs;
  for (std::size_t begin = 0, end = 0; begin < paragraphs.size(); begin = end) {
    const std::size_t most_bytes = handing_ ? kHandedBatchBytes : kOwnBatchBytes;
    do {
      batch_bytes_ += paragraphs[end++].size() + kParagraphBytes;
    } while (end < paragraphs.size() && batch_bytes_ < most_bytes);
    const DocumentPart part{.paragraphs = paragraphs,
                            .begin = begin,
                            .end = end,
                            .already_sentences = document.already_sentences,
                            .ends_document = document.ends && end == paragraphs.size()};
    if (handing_) {
      add_to_batch(part, handing_->text);
    } else {
      tokenizer_.add(part, tokens_);
    }
    if (batch_bytes_ >= most_bytes) end_batch();
  }
}

void UnitReading::end_batch() {
  if (handing_) {
    keep_in_order(handing_);
    context_.helpers.give(std::exchange(handing_, nullptr));
  } else if (in_order_.empty()) {
    spill_.add(tokens_);
    tokens_.clear();
  } else {
    auto waiting = std::make_shared<HandedText>();
    std::swap(waiting->result, tokens_);
    waiting->done = true;
    keep_in_order(std::move(waiting));
  }
  batch_bytes_ = 0;
  write_done(false);
  if (!too_much_handed() && context_.helpers.wanted()) handing_ = std::make_shared<HandedText>();
  context_.helpers.throw_if_stopped();
}

void UnitReading::keep_in_order(std::shared_ptr<HandedText> batch) {
  batch->bytes = kBytesPerTextByte * batch_bytes_;
  context_.handed_bytes += batch->bytes;
  in_order_.push_back(std::move(batch));
}

// What is done; and what is not, while too much is under way, or where `all` is wanted.
void UnitReading::write_done(bool all) {
  while (!in_order_.empty()) {
    const HandedText& first = *in_order_.front();
    if (!all && !too_much_handed() && !context_.helpers.is_done(first)) return;
    context_.helpers.wait_for(first);
    spill_.add(first.result);
    context_.handed_bytes -= first.bytes;
    in_order_.pop_front();
  }
}

}  // namespace bertha
