// A file that is written bit by bit and appears under its final name when it is complete.
#pragma once

#include <filesystem>
#include <string_view>
#include <unistd.h>

#include "parallel/base/unique_handle.h"

namespace bertha {

// Under construction beside its destination; removed by the destructor unless published.
class StagedFile {
 public:
  explicit StagedFile(std::filesystem::path final_path);  // creates parent folders
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  void append(std::string_view bytes);
  void publish();  // flushes, then renames

 private:
  std::filesystem::path final_, staging_;
  UniqueHandle<int, ::close, -1> file_;
  bool published_ = false;
};

}  // namespace bertha
