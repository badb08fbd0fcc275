// What the spill holds: every document of the input, in input order.
//
// The documents of a unit of the input (prepare_units.h) lie in the streams of its file
// (spill_file.h), end to end:
//   tokens     token ids, as wide as in the shards
//   sentences  uint32: tokens of each sentence
//   documents  numbers (prepare_message.h): sentences and tokens of each document
//   digests    16 bytes for each document, where duplicates are looked for
// and the words behind them are the report below.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/text/document_reader.h"

namespace bertha {

using DocumentDigest = std::array<std::uint64_t, 2>;

struct SpillReport {
  ReadStatistics read;
  std::uint64_t documents = 0;                 // in the spill
  std::uint64_t documents_without_tokens = 0;  // not in the spill

  std::string pack() const;
  static SpillReport unpack(std::string_view bytes);
};

// Nothing unless the unit's file is there and whole.
std::optional<SpillReport> find_spill_report(const std::filesystem::path& folder, std::size_t unit);

struct SpilledDocument {
  std::uint64_t number;  // among those that stay, in input order
  std::size_t unit;      // whose spill it is in, and where there:
  std::uint64_t first_sentence, first_token;
  std::uint64_t sentences, tokens;
};

// Numbers of documents in input order that are left out; empty: none.
using DroppedDocuments = std::vector<bool>;

// All documents in input order. `reports` are by unit; they and `dropped` must outlive it.
class DocumentWalk {
 public:
  DocumentWalk(std::filesystem::path folder, const std::vector<SpillReport>& reports,
               const DroppedDocuments& dropped);
  ~DocumentWalk();
  bool next(SpilledDocument& document);  // false at the end

 private:
  class Numbers;
  void begin_unit();

  std::filesystem::path folder_;
  const std::vector<SpillReport>& reports_;
  const DroppedDocuments& dropped_;
  std::unique_ptr<Numbers> numbers_;
  std::size_t next_unit_ = 0;
  std::uint64_t left_in_unit_ = 0, sentence_ = 0, token_ = 0;
  std::uint64_t seen_ = 0, number_ = 0;
};

}  // namespace bertha
