// gzip by zlib: members one after another, zero padding at the end allowed (tapes, block devices).
#include <algorithm>
#include <limits>

#include <zlib.h>

#include "data_pipeline/text/compressed_input.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(const std::string& path) : input_(path, "gzip") {
    constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib.h, inflateInit2: "add 16" for gzip decoding
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) {
      throw Error(ErrorKind::internal, path + ": zlib could not start");
    }
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(char* buffer, std::size_t capacity) override;
  std::uint64_t compressed_bytes_read() const override { return input_.bytes_read(); }

 private:
  bool start_member();
  std::size_t inflate_some(char* buffer, std::size_t capacity);

  CompressedInput input_;
  z_stream stream_{};
  bool in_member_ = false;
  bool any_member_ = false;
};

// False at the proper end of the file.
bool GzipSource::start_member() {
  while (input_.available()) {
    if (!any_member_ || *input_.data() != 0) {
      inflateReset(&stream_);
      in_member_ = any_member_ = true;
      return true;
    }
    input_.consume(1);  // padding
  }
  if (!any_member_) input_.fail_truncated();
  return false;
}

std::size_t GzipSource::inflate_some(char* buffer, std::size_t capacity) {
  if (!input_.available()) input_.fail_truncated();
  const std::size_t offered = input_.size();
  const std::size_t room =
      std::min<std::size_t>(capacity, std::numeric_limits<unsigned int>::max());
  // zlib's next_in is not const in all versions; it does not write through it.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
  stream_.avail_in = static_cast<uInt>(offered);
  stream_.next_out = reinterpret_cast<Bytef*>(buffer);
  stream_.avail_out = static_cast<uInt>(room);
  const int result = inflate(&stream_, Z_NO_FLUSH);
  input_.consume(offered - stream_.avail_in);
  if (result == Z_STREAM_END) {
    in_member_ = false;
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    input_.fail(stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
  }
  return room - stream_.avail_out;
}

std::size_t GzipSource::read(char* buffer, std::size_t capacity) {
  std::size_t produced = 0;
  while (produced == 0 && capacity > 0) {
    if (!in_member_ && !start_member()) break;
    produced = inflate_some(buffer, capacity);
  }
  return produced;
}

}  // namespace

std::unique_ptr<ByteSource> make_gzip_source(const std::string& path) {
  return std::make_unique<GzipSource>(path);
}

}  // namespace bertha
