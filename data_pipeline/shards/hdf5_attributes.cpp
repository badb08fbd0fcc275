// HDF5 file format specification: II.A "Superblock", IV.A.1.a "Version 1 Data Object Header
// Prefix", IV.A.2.b "Dataspace", d "Datatype", m "Attribute", q "Object Header Continuation".
#include "data_pipeline/shards/hdf5_attributes.h"

#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "data_pipeline/shards/buffered_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
constexpr std::uint64_t kLargestHeader = 1 << 20;  // bytes of all its blocks
constexpr std::size_t kMostBlocks = 64;
constexpr int kDeepestType = 4;  // text of variable length: two
constexpr std::uint16_t kAttribute = 0x000C, kContinuation = 0x0010;

// Bytes that are read from the front. What is not there makes it false, once and for all.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    const std::string_view part = take(sizeof value);
    if (part.size() == sizeof value) std::memcpy(&value, part.data(), sizeof value);
    return value;
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  std::size_t left() const { return bytes_.size(); }
  explicit operator bool() const { return good_; }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

struct Block {
  std::uint64_t address, bytes;
};

// The size of an element; nothing when the type is cut off or not one of numbers and texts.
std::optional<std::uint32_t> element_bytes(Bytes type, int depth = 0) {
  enum : unsigned { kInteger = 0, kFloat = 1, kText = 3, kVariableLength = 9 };
  const unsigned kind = type.number<std::uint8_t>() & 0x0FU;  // above: the version
  type.take(3);
  const auto size = type.number<std::uint32_t>();
  if (kind == kInteger) type.take(4);
  if (kind == kFloat) type.take(12);
  const bool known = kind == kInteger || kind == kFloat || kind == kText;
  if (kind == kVariableLength && depth < kDeepestType) {
    if (!element_bytes(type, depth + 1)) return {};
  } else if (!known) {
    return {};
  }
  return type ? std::optional(size) : std::nullopt;
}

// The number of elements.
std::optional<std::uint64_t> element_count(Bytes space) {
  constexpr unsigned kHasMaximum = 1, kKnownFlags = kHasMaximum;
  const auto version = space.number<std::uint8_t>(), rank = space.number<std::uint8_t>(),
             flags = space.number<std::uint8_t>();
  space.take(version == 1 ? 5 : 1);
  if (version < 1 || version > 2 || rank > 32 || (flags & ~kKnownFlags) != 0) return {};
  std::uint64_t count = 1;
  for (unsigned i = 0; i < rank; ++i) {
    const auto edge = space.number<std::uint64_t>();
    if (edge != 0 && count > UINT32_MAX / edge) return {};
    count *= edge;
  }
  if ((flags & kHasMaximum) != 0) space.take(rank * sizeof(std::uint64_t));
  return space ? std::optional(count) : std::nullopt;
}

bool is_sound_attribute(Bytes message) {
  const auto version = message.number<std::uint8_t>(), flags = message.number<std::uint8_t>();
  const auto name_bytes = message.number<std::uint16_t>();
  const auto type_bytes = message.number<std::uint16_t>();
  const auto space_bytes = message.number<std::uint16_t>();
  if (version < 1 || version > 3 || (version > 1 && flags != 0)) return false;  // shared elsewhere
  if (version == 3) message.take(1);
  const auto part = [&](std::uint64_t bytes) {
    return message.take(version == 1 ? (bytes + 7) / 8 * 8 : bytes).substr(0, bytes);
  };
  const std::string_view name = part(name_bytes), type = part(type_bytes);
  const std::string_view space = part(space_bytes);
  if (!message || name.find('\0') == name.npos) return false;
  const auto size = element_bytes(Bytes(type));
  const auto count = element_count(Bytes(space));
  return size && count && *count * *size <= message.left();
}

class RootHeader {
 public:
  explicit RootHeader(const std::string& path)
      : path_(path), file_(open_file(path, O_RDONLY)), size_(std::filesystem::file_size(path)) {}

  bool is_sound();

 private:
  std::string read(std::uint64_t address, std::uint64_t bytes) const {
    if (address > size_ || bytes > size_ - address) return {};
    std::string part(bytes, '\0');
    read_at(file_.get(), path_, address, part.data(), bytes);
    return part;
  }
  bool find_old_header();
  bool check_block(const Block& block);

  const std::string& path_;
  FileDescriptor file_;
  std::uint64_t size_;
  std::uint64_t base_ = 0, address_ = 0;
  bool readable_ = true;  // otherwise unlike what anybody writes
  std::vector<Block> blocks_;
};

// Of the root group; false where there is none, or a newer one.
bool RootHeader::find_old_header() {
  std::uint64_t at = 0;
  while (at < size_ && read(at, kSignature.size()) != kSignature) at = at == 0 ? 512 : 2 * at;
  const std::string superblock = read(at, std::min<std::uint64_t>(96, size_ - std::min(at, size_)));
  Bytes bytes(superblock);
  bytes.take(kSignature.size());
  const auto version = bytes.number<std::uint8_t>();
  if (!bytes || version > 1) return false;
  bytes.take(4);
  const auto address_bytes = bytes.number<std::uint8_t>(),
             length_bytes = bytes.number<std::uint8_t>();
  readable_ = address_bytes == 8 && length_bytes == 8;
  bytes.take(version == 1 ? 13 : 9);
  base_ = bytes.number<std::uint64_t>();
  bytes.take(4 * sizeof(std::uint64_t));  // free space, end, driver, the name of the root group
  address_ = base_ + bytes.number<std::uint64_t>();
  return bytes && read(address_, 4) != "OHDR";
}

bool RootHeader::check_block(const Block& block) {
  const std::string content = read(block.address, block.bytes);
  if (content.size() != block.bytes) return false;
  for (Bytes bytes(content); bytes.left() >= 8;) {
    const auto type = bytes.number<std::uint16_t>(), size = bytes.number<std::uint16_t>();
    const auto flags = bytes.number<std::uint8_t>();
    bytes.take(3);
    Bytes message(bytes.take(size));
    if (!bytes) return false;
    constexpr unsigned kShared = 2;
    if (type == kAttribute && ((flags & kShared) != 0 || !is_sound_attribute(message)))
      return false;
    if (type == kContinuation) {
      const auto address = base_ + message.number<std::uint64_t>();
      blocks_.push_back({address, message.number<std::uint64_t>()});
      if (!message) return false;
    }
  }
  return true;
}

bool RootHeader::is_sound() {
  if (!find_old_header()) return true;  // the library says what it is
  const std::string prefix = read(address_, 16);
  Bytes bytes(prefix);
  bytes.take(8);  // version, number of messages, references
  blocks_ = {{address_ + 16, bytes.number<std::uint32_t>()}};
  if (!readable_ || !bytes) return false;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Block block = blocks_[i];
    if (i == kMostBlocks || block.bytes > kLargestHeader) return false;
    total += block.bytes;
    if (total > kLargestHeader || !check_block(block)) return false;
  }
  return true;
}

}  // namespace

void check_attributes(const std::string& path) {
  if (RootHeader(path).is_sound()) return;
  throw Error(ErrorKind::bad_data,
              path + ": damaged: the attributes of its root group are not sound",
              "restore it from a good copy, or make it anew");
}

}  // namespace bertha
