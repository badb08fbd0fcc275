// Reads documents back from the spill files of all units, mostly forward.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/spill_index.h"

namespace bertha {

// A file seen through a window of bytes that moves on as needed.
class FileWindow {
 public:
  explicit FileWindow(const std::filesystem::path& path);
  void read(std::uint64_t offset, void* data, std::size_t bytes);

 private:
  std::string path_;
  FileDescriptor file_;
  std::uint64_t file_bytes_;
  std::uint64_t begin_ = 0;  // of the window in the file
  std::vector<char> window_;
};

class SpillReader {
 public:
  SpillReader(std::filesystem::path folder, int token_bytes);

  // The document that next() gives in pieces.
  void begin(const SpilledDocument& document);
  // Token ids and lengths of some sentences; both are overwritten. False at the document's end.
  bool next(std::vector<std::int32_t>& tokens, std::vector<std::uint32_t>& sentences);

 private:
  struct Files {
    FileWindow tokens, sentences;
  };
  std::filesystem::path folder_;
  int token_bytes_;
  std::unique_ptr<Files> files_;  // of the document's unit
  std::size_t unit_ = 0;
  SpilledDocument document_{};  // what is left of it
  std::vector<std::uint16_t> narrow_;
};

}  // namespace bertha
