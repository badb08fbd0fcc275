// What the files that call the HDF5 library share: handles, its one lock, failures in words. Nobody
// else includes this.
#pragma once

#include <mutex>
#include <source_location>
#include <string>

#include <hdf5.h>

#include "parallel/base/unique_handle.h"

namespace bertha {

using DatasetHandle = UniqueHandle<hid_t, H5Dclose, -1>;
using TypeHandle = UniqueHandle<hid_t, H5Tclose, -1>;
using SpaceHandle = UniqueHandle<hid_t, H5Sclose, -1>;
using PropertiesHandle = UniqueHandle<hid_t, H5Pclose, -1>;
using AttributeHandle = UniqueHandle<hid_t, H5Aclose, -1>;

// Held during every call. The library does not clean up at exit: after a full disk it would try to
// write again, and loop.
class LibraryScope {
 public:
  LibraryScope();

 private:
  std::scoped_lock<std::recursive_mutex> lock_;
};

// What the library says of its last failure, as our error.
[[noreturn]] void fail_write(const std::string& path, std::source_location where);
[[noreturn]] void fail_read(const std::string& path, const std::string& what,
                            std::source_location where);

// A result of the library; negative means failure.
template <class Value>
Value written(Value value, const std::string& path,
              std::source_location where = std::source_location::current()) {
  if (value < 0) fail_write(path, where);
  return value;
}

template <class Value>
Value good(Value value, const std::string& path, const std::string& what,
           std::source_location where = std::source_location::current()) {
  if (value < 0) fail_read(path, what, where);
  return value;
}

}  // namespace bertha
