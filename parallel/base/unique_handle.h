// Owns a raw C handle and closes it once: UniqueHandle<hid_t, CloseFile, -1>.
#pragma once

#include <utility>

namespace bertha {

template <class Handle, auto Close, Handle kInvalid = Handle{}>
class UniqueHandle {
 public:
  UniqueHandle() = default;
  explicit UniqueHandle(Handle handle) : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, kInvalid)) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, kInvalid);
    }
    return *this;
  }
  ~UniqueHandle() { reset(); }

  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != kInvalid; }
  Handle release() { return std::exchange(handle_, kInvalid); }
  void reset() {
    if (handle_ != kInvalid) Close(std::exchange(handle_, kInvalid));
  }

 private:
  Handle handle_ = kInvalid;
};

}  // namespace bertha
