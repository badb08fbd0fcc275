// By libdeflate where the build found it (cmake/Deflate.cmake), else by zlib.
#include "data_pipeline/shards/inflate.h"

#ifdef BERTHA_LIBDEFLATE
#include <libdeflate.h>
#include <memory>
#include <new>
#else
#include <zlib.h>
#endif

namespace bertha {

#ifdef BERTHA_LIBDEFLATE
bool inflate_all(std::span<const char> stored, std::span<char> plain) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> inflater(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!inflater) throw std::bad_alloc();
  // Without a place for the size, another size is a failure.
  return libdeflate_zlib_decompress(inflater.get(), stored.data(), stored.size(), plain.data(),
                                    plain.size(), nullptr) == LIBDEFLATE_SUCCESS;
}
#else
bool inflate_all(std::span<const char> stored, std::span<char> plain) {
  uLongf size = plain.size();
  const int result = ::uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                                  reinterpret_cast<const Bytef*>(stored.data()),
                                  static_cast<uLong>(stored.size()));
  return result == Z_OK && size == plain.size();
}
#endif

}  // namespace bertha
