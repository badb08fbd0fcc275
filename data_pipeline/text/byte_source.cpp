// Plain files, and the choice of decompressor.
#include "data_pipeline/text/byte_source.h"

#include "data_pipeline/text/compressed_input.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(const InputFile& file) : file_(file.path.string(), file.begin, file.end) {}
  std::size_t read(char* buffer, std::size_t capacity) override {
    return file_.read(buffer, capacity);
  }
  std::uint64_t compressed_bytes_read() const override { return file_.bytes_read(); }

 private:
  RawFile file_;
};

}  // namespace

std::uint64_t window_bytes(const InputFile& file) {
  return file.compression == Compression::zstd ? zstd_window_bytes(file.path.string()) : 0;
}

std::unique_ptr<ByteSource> open_file_range(const InputFile& file) {
  switch (file.compression) {
    case Compression::none:
      return std::make_unique<PlainSource>(file);
    case Compression::gzip:
      return make_gzip_source(file.path.string());
    case Compression::bzip2:
      return make_bzip2_source(file.path.string(), file.begin, file.end);
    case Compression::zstd:
      return make_zstd_source(file.path.string());
  }
  throw Error(ErrorKind::internal, file.path.string() + ": unknown compression");
}

}  // namespace bertha
