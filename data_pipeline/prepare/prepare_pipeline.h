// The threads of `prepare`: each reads units of the input, one at a time, into their spill files;
// one without a unit helps the others. Memory is bounded by the text under way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/prepare/spill_index.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct NumberedUnit {
  std::size_t number;  // in the input's order
  InputUnit unit;
};

struct FinishedUnit {
  std::size_t number;
  SpillReport report;
};

struct PipelineOptions {
  std::filesystem::path folder;  // of the spill
  std::string text_field;
  int workers = 1;
  bool with_digests = false;
  // Text handed from thread to thread, and its ids, over all of them.
  std::size_t most_handed_bytes = std::size_t{256} << 20;
};

class DocumentPipeline {
 public:
  // Begins with the first of `units`. `tokenizer` must outlive the pipeline. Error{internal} when
  // the system starts no more threads.
  DocumentPipeline(std::vector<NumberedUnit> units, const WordPiece& tokenizer,
                   const PipelineOptions& options);
  ~DocumentPipeline();  // stops the threads, wherever they are

  // Waits a moment, or until units are finished, and gives those; false when there are no more.
  // Throws what a thread threw.
  bool wait(std::vector<FinishedUnit>& finished);
  std::uint64_t input_bytes() const;  // read so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
