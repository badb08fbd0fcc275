// HDF5 file format specification, III.E "Global Heap" (see hdf5_heap.cpp for its layout).
#include "data_pipeline/shards/heap_reader.h"

#include <cstring>

#include <fmt/format.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kHeaderBytes = 16, kObjectBytes = 16;
constexpr std::uint64_t kLargestCollection = 1 << 26;
constexpr std::size_t kCollectionsKept = 64;  // HDF5 fills gaps in several at a time
constexpr char kSignature[8] = {'G', 'C', 'O', 'L', 1, 0, 0, 0};

template <class Number>
Number number_at(const std::vector<char>& bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

}  // namespace

void HeapReader::fail(std::uint64_t address, const std::string& what) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: the heap at byte {} is damaged: {}", name_, address, what),
              "restore the file from a good copy");
}

void HeapReader::parse(Collection& collection, std::uint64_t address) const {
  const auto& bytes = collection.bytes;
  for (std::size_t at = kHeaderBytes; at + kObjectBytes <= bytes.size();) {
    const auto index = number_at<std::uint16_t>(bytes, at);
    if (index == 0) return;  // the rest is free
    const auto size = number_at<std::uint64_t>(bytes, at + 8);
    at += kObjectBytes;
    if (size > bytes.size() - at) fail(address, fmt::format("object {} is too large", index));
    collection.objects[index] = {at, static_cast<std::size_t>(size)};
    at += static_cast<std::size_t>((size + 7) / 8 * 8);
  }
}

const HeapReader::Collection& HeapReader::collection_at(std::uint64_t address) {
  const auto known = collections_.find(address);
  if (known != collections_.end()) return known->second;
  if (address > file_bytes_ || file_bytes_ - address < kHeaderBytes) {
    fail(address, fmt::format("the file has {} bytes", file_bytes_));
  }
  Collection collection;
  collection.bytes.resize(kHeaderBytes);
  read_at(file_, name_, address, collection.bytes.data(), kHeaderBytes);
  if (std::memcmp(collection.bytes.data(), kSignature, sizeof kSignature) != 0) {
    fail(address, "none begins there");
  }
  const auto size = number_at<std::uint64_t>(collection.bytes, 8);
  if (size < kHeaderBytes || size > file_bytes_ - address || size > kLargestCollection) {
    fail(address, fmt::format("its size is {}", size));
  }
  collection.bytes.resize(static_cast<std::size_t>(size));
  read_at(file_, name_, address, collection.bytes.data(), collection.bytes.size());
  parse(collection, address);
  if (collections_.size() >= kCollectionsKept) collections_.clear();
  return collections_.emplace(address, std::move(collection)).first->second;
}

std::span<const char> HeapReader::object(std::uint64_t address, std::uint32_t index) {
  const auto& collection = collection_at(address);
  const auto found = collection.objects.find(index);
  if (found == collection.objects.end()) fail(address, fmt::format("no object {}", index));
  return std::span(collection.bytes).subspan(found->second.first, found->second.second);
}

}  // namespace bertha
