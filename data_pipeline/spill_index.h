// What the ranks' spill files hold: every document of the input, in input order.
//
// A rank reads its files one after the other in input order, and writes the token ids of their
// documents end to end. Its report lists files and documents in the same order, so all reports
// together are merged by file number. A document takes about four bytes here.
#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/prepare_pipeline.h"

namespace bertha {

struct SpillReport {
  ReadTotals read;
  std::uint64_t unknown_tokens = 0;
  std::uint64_t longest_sentence_tokens = 0;
  std::uint64_t documents_without_tokens = 0;  // not in the spill
  struct FileSection {
    std::uint64_t file, documents;
  };
  std::vector<FileSection> files;  // those with documents
  std::string documents;           // numbers: sentences and tokens of each

  std::string pack() const;
  static SpillReport unpack(std::string_view bytes);
};

struct SpilledDocument {
  std::uint64_t number;  // in the whole input
  std::size_t rank;      // whose spill it is in, and where there:
  std::uint64_t first_sentence, first_token;
  std::uint64_t sentences, tokens;
};

// All documents in input order, of the reports of all ranks (which must outlive it).
class DocumentWalk {
 public:
  explicit DocumentWalk(const std::vector<SpillReport>& reports);
  bool next(SpilledDocument& document);  // false at the end

 private:
  struct Cursor {
    MessageReader documents;
    std::size_t section = 0;
    std::uint64_t sentence = 0, token = 0;
  };
  void queue_section(std::size_t rank);

  const std::vector<SpillReport>& reports_;
  std::vector<Cursor> cursors_;                           // by rank
  using Section = std::pair<std::uint64_t, std::size_t>;  // file, rank
  std::priority_queue<Section, std::vector<Section>, std::greater<>> sections_;
  std::size_t rank_ = 0;
  std::uint64_t left_in_section_ = 0, number_ = 0;
};

}  // namespace bertha
