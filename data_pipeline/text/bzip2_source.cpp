// bzip2 by libbz2: several streams one after another, as in Wikipedia's multistream dumps.
#include <algorithm>
#include <limits>

#include <bzlib.h>

#include "data_pipeline/text/compressed_input.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

class Bzip2Source final : public ByteSource {
 public:
  Bzip2Source(const std::string& path, std::uint64_t begin, std::uint64_t end)
      : input_(path, "bzip2", begin, end) {}
  ~Bzip2Source() override { end_stream(); }
  Bzip2Source(const Bzip2Source&) = delete;
  Bzip2Source& operator=(const Bzip2Source&) = delete;

  std::size_t read(char* buffer, std::size_t capacity) override;
  std::uint64_t compressed_bytes_read() const override { return input_.bytes_read(); }

 private:
  bool start_stream();
  void end_stream();
  std::size_t decompress_some(char* buffer, std::size_t capacity);

  CompressedInput input_;
  bz_stream stream_{};
  bool in_stream_ = false;
  bool any_stream_ = false;
};

// False at the proper end of the file.
bool Bzip2Source::start_stream() {
  if (!input_.available()) {
    if (!any_stream_) input_.fail_truncated();
    return false;
  }
  stream_ = bz_stream{};
  if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) {
    throw Error(ErrorKind::internal, "libbz2 could not start");
  }
  in_stream_ = any_stream_ = true;
  return true;
}

void Bzip2Source::end_stream() {
  if (in_stream_) BZ2_bzDecompressEnd(&stream_);
  in_stream_ = false;
}

std::size_t Bzip2Source::decompress_some(char* buffer, std::size_t capacity) {
  if (!input_.available()) input_.fail_truncated();
  const std::size_t offered = input_.size();
  const std::size_t room =
      std::min<std::size_t>(capacity, std::numeric_limits<unsigned int>::max());
  stream_.next_in = const_cast<char*>(input_.data());  // libbz2 does not write through it
  stream_.avail_in = static_cast<unsigned int>(offered);
  stream_.next_out = buffer;
  stream_.avail_out = static_cast<unsigned int>(room);
  const int result = BZ2_bzDecompress(&stream_);
  input_.consume(offered - stream_.avail_in);
  const std::size_t produced = room - stream_.avail_out;
  if (result == BZ_STREAM_END) {
    end_stream();
  } else if (result == BZ_DATA_ERROR_MAGIC) {
    input_.fail("not a bzip2 stream");
  } else if (result != BZ_OK) {
    input_.fail("checksum or structure does not hold");
  }
  return produced;
}

std::size_t Bzip2Source::read(char* buffer, std::size_t capacity) {
  std::size_t produced = 0;
  while (produced == 0 && capacity > 0) {
    if (!in_stream_ && !start_stream()) break;
    produced = decompress_some(buffer, capacity);
  }
  return produced;
}

}  // namespace

std::unique_ptr<ByteSource> make_bzip2_source(const std::string& path, std::uint64_t begin,
                                              std::uint64_t end) {
  return std::make_unique<Bzip2Source>(path, begin, end);
}

}  // namespace bertha
