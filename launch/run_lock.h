// Keeps a second job out of a run folder: two would write into each other's checkpoints and curves.
#pragma once

#include <chrono>
#include <filesystem>
#include <unistd.h>

#include "parallel/base/unique_handle.h"
#include "parallel/communicator.h"

namespace bertha {

// A lock of the system (flock) on RUN/run.lock. It ends with the process, however that ends; the
// file stays and means nothing by itself. Its text says who holds the lock.
class RunLock {
 public:
  RunLock() = default;  // of nothing
  // Makes the folder if it is missing. A lock that is held is asked for again for `patience`,
  // because a killed job takes a moment to die; then Error{usage} names who holds it. Where the
  // file system has no locks, a warning says so. A folder that cannot be written to is not locked:
  // what is written there later says what is wrong.
  explicit RunLock(const std::filesystem::path& run_folder,
                   std::chrono::milliseconds patience = std::chrono::seconds(3));
  bool held() const { return static_cast<bool>(file_); }

 private:
  UniqueHandle<int, ::close, -1> file_;
};

// Collective: rank 0 takes the lock, for all.
RunLock lock_run(const std::filesystem::path& run_folder, Communicator& communicator);

}  // namespace bertha
