// mmap, mincore and madvise. All advice may be refused: then pages come when they are touched.
#include "data_pipeline/shards/file_mapping.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kHugeBytes = std::size_t{1} << 21;

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t up_to_page(std::size_t bytes) {
  return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

[[noreturn]] void fail_map(const std::string& path, int error) {
  if (error != ENOMEM) throw_io_error("map", path, error);
  throw Error(ErrorKind::io, "cannot map " + path + ": no room among this process' mappings",
              "one shard is one mapping, and Linux allows 65,530 of them: raise vm.max_map_count "
              "(sysctl), or prepare the corpus with larger shards (prepare.shard_tokens)");
}

// At a multiple of the size of huge pages: in the middle of a larger part of the address space, of
// which the rest is given back.
const char* map_aligned(int file, std::size_t bytes, const std::string& path) {
  const auto reserved_bytes = bytes + kHugeBytes;
  void* const reserved =
      ::mmap(nullptr, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) fail_map(path, errno);
  char* const first = static_cast<char*>(reserved);
  char* const begin = first + (kHugeBytes - reinterpret_cast<std::uintptr_t>(first) % kHugeBytes);
  if (::mmap(begin, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
    const int error = errno;
    ::munmap(reserved, reserved_bytes);
    fail_map(path, error);
  }
  ::munmap(first, static_cast<std::size_t>(begin - first));
  const auto end = static_cast<std::size_t>(begin - first) + up_to_page(bytes);
  if (end < reserved_bytes) ::munmap(first + end, reserved_bytes - end);
  return begin;
}

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path) {
  const auto file = open_file(path, O_RDONLY);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io_error("read", path.string(), errno);
  bytes_ = static_cast<std::size_t>(status.st_size);
  data_ = map_aligned(file.get(), bytes_, path.string());
#ifdef MADV_HUGEPAGE
  advise(0, bytes_, MADV_HUGEPAGE);
#endif
  mapped_ = std::make_unique<std::atomic<bool>[]>(bytes_ / kPieceBytes + 1);
}

FileMapping::~FileMapping() {
  ::munmap(const_cast<char*>(data_), bytes_);
}

// All but a few pages. Where the file may not be written by us, the kernel does not tell, and says
// yes.
bool FileMapping::lies_in_cache(std::size_t begin, std::size_t bytes) const {
  constexpr std::size_t kMostMissing = 32;  // of them
  std::vector<unsigned char> pages((bytes + page_bytes() - 1) / page_bytes());
  if (::mincore(const_cast<char*>(data_) + begin, bytes, pages.data()) != 0) return false;
  const auto missing = std::ranges::count_if(pages, [](auto page) { return (page & 1U) == 0; });
  return static_cast<std::size_t>(missing) * kMostMissing <= pages.size();
}

void FileMapping::map(bool cached_only, const std::stop_token& stop) const {
#ifdef MADV_POPULATE_READ
  for (std::size_t piece = 0; piece * kPieceBytes < bytes_ && !stop.stop_requested(); ++piece) {
    const auto begin = piece * kPieceBytes;
    const auto bytes = std::min(kPieceBytes, bytes_ - begin);
    if (mapped_[piece] || (cached_only && !lies_in_cache(begin, bytes))) continue;
    mapped_[piece] = ::madvise(const_cast<char*>(data_) + begin, bytes, MADV_POPULATE_READ) == 0;
  }
#else
  (void)cached_only, (void)stop;
#endif
}

void FileMapping::expect(const char* from, std::size_t bytes) const {
  const auto begin = static_cast<std::size_t>(from - data_);
  if (bytes == 0 || begin + bytes > bytes_) return;  // an error of whoever reads it
  const auto first = begin / kPieceBytes, last = (begin + bytes - 1) / kPieceBytes;
  if (mapped_[first].load(std::memory_order_relaxed) &&
      mapped_[last].load(std::memory_order_relaxed)) {
    return;
  }
  advise(begin, bytes, MADV_WILLNEED);
}

void FileMapping::read_at_random(const char* from, std::size_t bytes) const {
  const auto begin = static_cast<std::size_t>(from - data_);
#ifdef MADV_NOHUGEPAGE
  advise(begin, bytes, MADV_NOHUGEPAGE);
#endif
  advise(begin, bytes, MADV_RANDOM);
}

// From the beginning of the page on.
void FileMapping::advise(std::size_t begin, std::size_t bytes, int advice) const {
  const auto page = begin / page_bytes() * page_bytes();
  ::madvise(const_cast<char*>(data_) + page, begin + bytes - page, advice);
}

}  // namespace bertha
