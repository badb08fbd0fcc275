// Starts the HDF5 library once, and reads its error stack.
#include "data_pipeline/shards/hdf5_library.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex one;
  return one;
}

// What the library says of its last failure: the innermost reason, and errno if it names one.
struct Failure {
  std::string reason;
  int error_number = 0;
};

herr_t take_reason(unsigned depth, const H5E_error2_t* entry, void* context) {
  auto& failure = *static_cast<Failure*>(context);
  const std::string_view text = entry->desc ? entry->desc : "";
  if (depth == 0) failure.reason = text;
  static constexpr std::string_view kErrno = "errno = ";
  if (const auto at = text.find(kErrno); at != text.npos && failure.error_number == 0) {
    failure.error_number = std::atoi(text.data() + at + kErrno.size());
  }
  return 0;
}

Failure last_failure() {
  Failure failure;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, &failure);
  H5Eclear2(H5E_DEFAULT);
  std::replace(failure.reason.begin(), failure.reason.end(), '\n', ' ');
  return failure;
}

}  // namespace

LibraryScope::LibraryScope() : lock_(library_mutex()) {
  static const int started = [] {
    H5dont_atexit();
#if !H5_VERSION_GE(1, 10, 7) || (H5_VERSION_GE(1, 12, 0) && !H5_VERSION_GE(1, 12, 1))
    ::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
#endif
    return H5open();
  }();
  if (started < 0) throw Error(ErrorKind::internal, "the HDF5 library does not start");
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // our errors say it
  errno = 0;
}

void fail_write(const std::string& path, std::source_location where) {
  const int seen = errno;
  const Failure failure = last_failure();
  if (failure.error_number != 0) throw_io_error("write", path, failure.error_number, where);
  if (seen == ENOSPC || seen == EDQUOT || seen == EFBIG || seen == EIO) {
    throw_io_error("write", path, seen, where);
  }
  throw Error(ErrorKind::io, "cannot write " + path + ": HDF5: " + failure.reason, "", where);
}

void fail_read(const std::string& path, const std::string& what, std::source_location where) {
  const Failure failure = last_failure();
  if (failure.error_number != 0) throw_io_error("read", path, failure.error_number, where);
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: {}{}{}", path, what,
                          failure.reason.empty() ? "" : ": HDF5: ", failure.reason),
              "restore it from a good copy, or make it anew", where);
}

}  // namespace bertha
