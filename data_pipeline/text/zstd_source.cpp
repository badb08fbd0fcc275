// Zstandard: several frames one after another, skippable frames included.
#include <algorithm>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "data_pipeline/text/compressed_input.h"
#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"

namespace bertha {
namespace {

constexpr int kWidestWindow = 27;  // as a power of two: what `zstd --ultra -22` makes

// The number in `bytes` from `at` on, least byte first; 0 behind their end.
std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  }
  return number;
}

// RFC 8878, 3.1.1.1: the magic number and the descriptor, then either the window or, where the
// frame is a single segment, an id of 0 to 4 bytes and the size of the content, which is the
// window.
std::uint64_t window_of_frame(const std::string& header) {
  const auto descriptor = number_at(header, 4, 1);
  if ((descriptor & 0x20U) == 0) {
    const auto window = number_at(header, 5, 1);
    const auto base = std::uint64_t{1} << (10 + (window >> 3));
    return base + base / 8 * (window & 7U);
  }
  constexpr std::size_t kIdBytes[] = {0, 1, 2, 4}, kContentBytes[] = {1, 2, 4, 8};
  const auto content = descriptor >> 6;
  return number_at(header, 5 + kIdBytes[descriptor & 3U], kContentBytes[content]) +
         (content == 1 ? 256 : 0);
}

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(const std::string& path) : input_(path, "zstd"), decoder_(ZSTD_createDCtx()) {
    if (!decoder_) throw Error(ErrorKind::internal, path + ": zstd could not start");
    ZSTD_DCtx_setParameter(decoder_.get(), ZSTD_d_windowLogMax, kWidestWindow);
  }

  std::size_t read(char* buffer, std::size_t capacity) override;
  std::uint64_t compressed_bytes_read() const override { return input_.bytes_read(); }

 private:
  [[noreturn]] void fail(std::size_t result) const;

  CompressedInput input_;
  UniqueHandle<ZSTD_DCtx*, ZSTD_freeDCtx> decoder_;
  bool frame_complete_ = false;  // the last byte consumed ended a frame
  bool output_full_ = false;     // the decoder may hold output without needing input
};

void ZstdSource::fail(std::size_t result) const {
  if (ZSTD_getErrorCode(result) != ZSTD_error_frameParameter_windowTooLarge) {
    input_.fail(ZSTD_getErrorName(result));
  }
  constexpr std::uint64_t kWidest = std::uint64_t{1} << kWidestWindow;
  const auto first = zstd_window_bytes(input_.path());  // where a later frame's is wider: over that
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: compressed with a window of {}{} MiB; at most {} MiB are read",
                          input_.path(), first > kWidest ? "" : "over ",
                          std::max(first, kWidest) >> 20, kWidest >> 20),
              "compress it anew: `zstd -d --long=31 -c FILE | zstd -o OTHER.zst`");
}

std::size_t ZstdSource::read(char* buffer, std::size_t capacity) {
  ZSTD_outBuffer output{buffer, capacity, 0};
  while (output.pos == 0 && capacity > 0) {
    if (!input_.available() && !output_full_) {
      if (!frame_complete_) input_.fail_truncated();
      break;
    }
    ZSTD_inBuffer source{input_.data(), input_.size(), 0};
    const std::size_t result = ZSTD_decompressStream(decoder_.get(), &output, &source);
    if (ZSTD_isError(result) != 0) fail(result);
    input_.consume(source.pos);
    frame_complete_ = result == 0;
    output_full_ = output.pos == output.size && !frame_complete_;
  }
  return output.pos;
}

}  // namespace

std::uint64_t zstd_window_bytes(const std::string& path) {
  constexpr std::size_t kLongestHeader = 18;
  constexpr std::uint64_t kFrame = 0xFD2FB528, kSkippable = 0x184D2A5;
  for (std::uint64_t begin = 0;;) {
    const std::string header = read_part(path, begin, kLongestHeader);
    const auto magic = number_at(header, 0, 4);
    if (magic == kFrame) return window_of_frame(header);
    if (magic >> 4 != kSkippable) return 0;
    begin += 8 + number_at(header, 4, 4);
  }
}

std::unique_ptr<ByteSource> make_zstd_source(const std::string& path) {
  return std::make_unique<ZstdSource>(path);
}

}  // namespace bertha
