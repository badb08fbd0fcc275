// Counted words that do not fit into memory: sorted runs in a file without a name, merged in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"

namespace bertha {

class WordRuns {
 public:
  // The file lies in `folder` and goes with the process, whatever ends it. Error{io}.
  explicit WordRuns(const std::filesystem::path& folder);

  void add(const WordCounts::Map& words);
  // Every word once, in byte order, with the sum of its counts.
  using Use = std::function<void(std::string_view, std::uint64_t)>;
  void for_each(const Use& use) const;

 private:
  struct Range {
    std::uint64_t begin, end;  // in the file
  };
  class RunReader;

  std::string name_;  // for messages
  FileDescriptor file_;
  std::vector<Range> runs_;
};

}  // namespace bertha
