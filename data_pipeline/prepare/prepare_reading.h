// One unit of the input to its spill files, by the thread that reads it: a piece of text is read,
// mended, split, tokenized and written while it lies in that core's caches.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>

#include "data_pipeline/prepare/prepare_batch.h"
#include "data_pipeline/prepare/prepare_helpers.h"
#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/prepare/spill_writer.h"
#include "data_pipeline/text/large_records.h"

namespace bertha {

// What all readers share.
struct ReadingContext {
  std::string text_field;
  // Of all readers' batches that others have, or that wait for those. A reader beyond waits for its
  // own ones only, and then hands over nothing: so no two wait for each other.
  std::size_t most_handed_bytes = 0;
  LargeRecords large_records;
  TokenizingHelpers helpers;
  std::atomic<std::size_t> handed_bytes{0};
  std::atomic<std::uint64_t> input_bytes{0};  // read so far
};

class UnitReading {
 public:
  // All must outlive it.
  UnitReading(ReadingContext& context, BatchTokenizer& tokenizer, SpillWriter& spill)
      : context_(context), tokenizer_(tokenizer), spill_(spill) {}

  // Throws Stopped when the helpers are stopped.
  SpillReport run(const InputUnit& unit);

 private:
  void read_file(const InputFile& file, ReadStatistics& read);
  void add_document(const Document& document);
  void end_batch();
  void keep_in_order(std::shared_ptr<HandedText> batch);
  void write_done(bool all);
  bool too_much_handed() const { return context_.handed_bytes > context_.most_handed_bytes; }

  ReadingContext& context_;
  BatchTokenizer& tokenizer_;
  SpillWriter& spill_;
  Document document_;
  TokenizedBatch tokens_;  // of the batch under way, or:
  std::shared_ptr<HandedText> handing_;
  std::size_t batch_bytes_ = 0;                       // of the batch under way
  std::deque<std::shared_ptr<HandedText>> in_order_;  // not yet written
};

}  // namespace bertha
