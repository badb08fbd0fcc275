// Zstandard: several frames one after another, skippable frames included.
#include <zstd.h>

#include "data_pipeline/text/compressed_input.h"
#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"

namespace bertha {
namespace {

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(const std::string& path) : input_(path, "zstd"), decoder_(ZSTD_createDCtx()) {
    if (!decoder_) throw Error(ErrorKind::internal, path + ": zstd could not start");
  }

  std::size_t read(char* buffer, std::size_t capacity) override;
  std::uint64_t compressed_bytes_read() const override { return input_.bytes_read(); }

 private:
  CompressedInput input_;
  UniqueHandle<ZSTD_DCtx*, ZSTD_freeDCtx> decoder_;
  bool frame_complete_ = false;  // the last byte consumed ended a frame
  bool output_full_ = false;     // the decoder may hold output without needing input
};

std::size_t ZstdSource::read(char* buffer, std::size_t capacity) {
  ZSTD_outBuffer output{buffer, capacity, 0};
  while (output.pos == 0 && capacity > 0) {
    if (!input_.available() && !output_full_) {
      if (!frame_complete_) input_.fail_truncated();
      break;
    }
    ZSTD_inBuffer source{input_.data(), input_.size(), 0};
    const std::size_t result = ZSTD_decompressStream(decoder_.get(), &output, &source);
    if (ZSTD_isError(result) != 0) input_.fail(ZSTD_getErrorName(result));
    input_.consume(source.pos);
    frame_complete_ = result == 0;
    output_full_ = output.pos == output.size && !frame_complete_;
  }
  return output.pos;
}

}  // namespace

std::unique_ptr<ByteSource> make_zstd_source(const std::string& path) {
  return std::make_unique<ZstdSource>(path);
}

}  // namespace bertha
