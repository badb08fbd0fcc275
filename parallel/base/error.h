// The one exception type: what went wrong, what to do about it, and the exit code that says so.
#pragma once

#include <exception>
#include <source_location>
#include <string>

namespace bertha {

// The value is the process exit code (the meanings follow BSD sysexits where one exists).
enum class ErrorKind : int {
  usage = 64,          // unknown or malformed option, impossible combination
  bad_data = 65,       // an input exists but what it holds is wrong
  internal = 70,       // a bug of ours, or a numeric failure of the run
  io = 74,             // missing file, full disk, failed read or write
  stopped = 75,        // stopped on request, state saved, resumable
  communication = 76,  // a rank died, hung or disagreed; resumable from the last checkpoint
};

// Message: one line, names file, row and value. Remedy: what the user can do, may be empty.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::string remedy = {},
        std::source_location where = std::source_location::current());
  // For errors that come from another rank: `where` is text already.
  Error(ErrorKind kind, std::string message, std::string remedy, std::string where);

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }
  const std::string& message() const { return message_; }
  const std::string& remedy() const { return remedy_; }
  const std::string& where() const { return where_; }  // "file.cpp:123"
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_, remedy_, where_;
};

// Text of errno for messages: "No such file or directory".
std::string errno_text(int error_number);

// The kind for a failed system call on a file; the message names the path and the reason.
[[noreturn]] void throw_io_error(const std::string& action, const std::string& path,
                                 int error_number,
                                 std::source_location where = std::source_location::current());

}  // namespace bertha
