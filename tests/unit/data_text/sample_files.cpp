// One-call compression with zlib, libbz2 and zstd.
#include "sample_files.h"

#include <stdexcept>

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

namespace bertha {

std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string bzip2(std::string_view text) {
  std::string out(text.size() + text.size() / 50 + 700, '\0');
  auto size = static_cast<unsigned int>(out.size());
  if (BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()),
                               static_cast<unsigned int>(text.size()), 1, 0, 0) != BZ_OK) {
    throw std::runtime_error("bzip2");
  }
  out.resize(size);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  if (ZSTD_isError(size) != 0) throw std::runtime_error("zstd");
  out.resize(size);
  return out;
}

// RFC 8878, 3.1.1: magic number, descriptor, window; one raw block, the last.
std::string zstd_with_window(std::string_view text, int window_log) {
  std::string frame("\x28\xB5\x2F\xFD\0", 5);
  frame += static_cast<char>((window_log - 10) << 3);
  const std::size_t block = text.size() << 3 | 1;
  for (const int shift : {0, 8, 16}) frame += static_cast<char>(block >> shift);
  return frame.append(text);
}

ReadResult read_documents(const std::filesystem::path& path, TextFormat format,
                          const std::string& text_field) {
  ReadResult result;
  const auto files =
      find_input_files({.paths = {path.string()}, .format = format, .text_field = text_field});
  const auto reader = open_documents(files.at(0), text_field);
  Document document;
  bool goes_on = false;
  while (reader->next(document)) {
    if (goes_on) {
      for (const auto paragraph : document.paragraphs) {
        result.documents.back().paragraphs.add(paragraph);
      }
    } else {
      result.documents.push_back(document);
    }
    goes_on = !document.ends;
  }
  result.statistics = reader->statistics();
  return result;
}

}  // namespace bertha
