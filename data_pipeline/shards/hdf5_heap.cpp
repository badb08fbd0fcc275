// HDF5 file format specification, III.D "Local Heap": "HEAP", version, three zero bytes, size of
// the data segment, offset of its free list, its address. III.E "Global Heap": a collection is
// "GCOL", version, three zero bytes, its size; then objects of index, references, four bytes, size,
// and data in steps of eight bytes. Whoever uses an object names length, address of the collection,
// and index.
#include "data_pipeline/shards/hdf5_heap.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::uint64_t kLooked = 1 << 16;  // bytes at each end of the file
constexpr std::uint64_t kLargestCollection = 1 << 24;
constexpr std::size_t kHeaderBytes = 16, kObjectBytes = 16;
constexpr std::string_view kSignature("GCOL\x01\0\0\0", 8);
constexpr std::string_view kNamesSignature("HEAP\0\0\0\0", 8);
constexpr std::size_t kNamesBytes = 32;

struct FilePart {
  std::uint64_t begin;
  std::string bytes;
};
using ObjectSizes = std::map<std::uint32_t, std::uint64_t>;  // by index

template <class Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

// `bytes` is a collection. Nothing: not sound.
std::optional<ObjectSizes> read_objects(std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  ObjectSizes objects;
  for (std::uint64_t at = kHeaderBytes; at + kObjectBytes <= size;) {
    const auto index = number_at<std::uint16_t>(bytes, at);
    const auto object = number_at<std::uint64_t>(bytes, at + 8);
    if (index == 0) {  // free space, itself counted, up to the end
      if (object != size - at) return {};
      break;
    }
    if (object > size - at - kObjectBytes || !objects.emplace(index, object).second) return {};
    at += kObjectBytes + (object + 7) / 8 * 8;
  }
  return objects;
}

// Whether the type of a text of variable length stands shortly before `at`, as it does in an
// attribute: class 9 of version 1 to 4, kind 1, 16 bytes (III.A.2.d, "Datatype Message").
bool follows_text_type(std::string_view bytes, std::size_t at) {
  constexpr std::size_t kNear = 64, kType = 8;
  for (std::size_t i = at - std::min(at, kNear); i + kType <= at; ++i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    if ((first & 0xFU) != 9 || first < 0x10 || first > 0x4F) continue;
    if ((bytes[i + 1] & 0xF) == 1 && number_at<std::uint32_t>(bytes, i + 4) == 16) return true;
  }
  return false;
}

// Whoever names the collection at `address` names an object in it, and no more than it holds. With
// no length before it the address may also be a number that happens to be the same, in a dataset of
// 64-bit offsets, say.
bool uses_are_sound(const std::vector<FilePart>& parts, std::uint64_t address,
                    const ObjectSizes& objects) {
  char name[sizeof address];
  std::memcpy(name, &address, sizeof address);
  for (const FilePart& part : parts) {
    const std::string_view bytes = part.bytes;
    const std::string_view wanted(name, sizeof name);
    for (auto at = bytes.find(wanted, 4); at != bytes.npos; at = bytes.find(wanted, at + 1)) {
      if (at + 12 > bytes.size()) break;
      const auto index = number_at<std::uint32_t>(bytes, at + 8);
      const auto length = number_at<std::uint32_t>(bytes, at - 4);
      const auto object = objects.find(index);
      if (index == 0 || (length == 0 && !follows_text_type(bytes, at - 4))) continue;
      if (object == objects.end() || length > object->second) return false;
    }
  }
  return true;
}

FilePart read_part(int file, const std::string& path, std::uint64_t begin, std::uint64_t end) {
  FilePart part{begin, std::string(end - begin, '\0')};
  read_at(file, path, begin, part.bytes.data(), part.bytes.size());
  return part;
}

// `left` bytes are there from `address` to the end of the file.
std::optional<ObjectSizes> read_collection(int file, const std::string& path, std::uint64_t address,
                                           std::uint64_t left) {
  if (left < kHeaderBytes) return {};
  std::uint64_t size = 0;
  read_at(file, path, address + 8, &size, sizeof size);
  if (size < kHeaderBytes || size > left || size > kLargestCollection) return {};
  return read_objects(read_part(file, path, address, address + size).bytes);
}

// Where small metadata lies.
std::vector<FilePart> read_ends(int file, const std::string& path, std::uint64_t size) {
  std::vector<FilePart> parts = {read_part(file, path, 0, std::min(size, kLooked))};
  if (size > kLooked) {
    parts.push_back(read_part(file, path, std::max(kLooked, size - kLooked), size));
  }
  return parts;
}

}  // namespace

void check_text_heaps(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  const std::uint64_t size = std::filesystem::file_size(path);
  const auto parts = read_ends(file.get(), path, size);
  for (const FilePart& part : parts) {
    const std::string_view bytes = part.bytes;
    for (auto at = bytes.find(kSignature); at != bytes.npos; at = bytes.find(kSignature, at + 8)) {
      const std::uint64_t address = part.begin + at;
      const auto objects = read_collection(file.get(), path, address, size - address);
      if (objects && uses_are_sound(parts, address, *objects)) continue;
      throw Error(ErrorKind::bad_data, path + ": damaged: the heap of its texts is not sound",
                  "restore it from a good copy, or make it anew");
    }
  }
}

void check_name_heaps(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  const std::uint64_t size = std::filesystem::file_size(path);
  for (const FilePart& part : read_ends(file.get(), path, size)) {
    const std::string_view bytes = part.bytes;
    for (auto at = bytes.find(kNamesSignature); at != bytes.npos;
         at = bytes.find(kNamesSignature, at + 8)) {
      if (at + kNamesBytes > bytes.size()) break;
      const auto segment = number_at<std::uint64_t>(bytes, at + 8);
      const auto address = number_at<std::uint64_t>(bytes, at + 24);
      if (address <= size && segment <= size - address) continue;
      throw Error(ErrorKind::bad_data, path + ": damaged: the heap of its names is not sound",
                  "restore it from a good copy, or make it anew");
    }
  }
}

}  // namespace bertha
