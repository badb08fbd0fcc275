// A file that only grows, by whole records: what a failed write left behind is cut off again.
#pragma once

#include <filesystem>
#include <string_view>
#include <unistd.h>

#include "parallel/base/unique_handle.h"

namespace bertha {

class AppendedFile {
 public:
  enum class Open {
    fresh,     // Error{io} when the file exists
    continue_  // an existing file goes on; a last line without its newline is cut off
  };
  // Error{io} when the file cannot be opened, read or cut.
  AppendedFile(std::filesystem::path path, Open how);

  // All of `record`, handed to the system at once. A failure (a full disk) is a warning, the first
  // time; a run that trains well is not ended because its log cannot be written.
  void append(std::string_view record);

 private:
  void cut_torn_line();
  void warn(int error_number);

  std::filesystem::path path_;
  UniqueHandle<int, ::close, -1> file_;
  bool warned_ = false;
};

}  // namespace bertha
