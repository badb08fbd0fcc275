// Inflating, LZF, a transposition of bytes and Fletcher's checksum.
#include "data_pipeline/shards/chunk_filters.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "data_pipeline/shards/inflate.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kFletcherBytes = 4;

[[noreturn]] void fail(const std::string& what, const std::string& how) {
  throw Error(ErrorKind::bad_data, what + ": damaged: " + how, "restore it from a good copy");
}

std::vector<char> inflated(const std::vector<char>& stored, std::size_t bytes,
                           const std::string& what) {
  std::vector<char> plain(bytes);
  if (!inflate_all(stored, plain)) {
    fail(what, fmt::format("a chunk does not inflate to its {} bytes", bytes));
  }
  return plain;
}

// LZF, h5py's own compression: runs of bytes as they are, and repetitions of what came before.
std::vector<char> unpacked_lzf(const std::vector<char>& stored, std::size_t bytes,
                               const std::string& what) {
  std::vector<char> plain;
  plain.reserve(bytes);
  std::size_t at = 0;
  const auto next = [&]() -> std::size_t {
    if (at == stored.size()) fail(what, "a chunk ends too early");
    return static_cast<unsigned char>(stored[at++]);
  };
  while (at < stored.size()) {
    const auto control = next();
    if (control < 32) {  // so many and one bytes
      const auto run = control + 1;
      if (run > stored.size() - at) fail(what, "a chunk ends too early");
      const auto begin = stored.begin() + static_cast<std::ptrdiff_t>(at);
      plain.insert(plain.end(), begin, begin + static_cast<std::ptrdiff_t>(run));
      at += run;
    } else {  // three bits of length, which may go on, and 13 of distance
      auto length = (control >> 5) + 2;
      if (control >> 5 == 7) length += next();
      const auto distance = ((control & 31U) << 8 | next()) + 1;
      if (distance > plain.size()) fail(what, "a chunk repeats what is not there");
      for (; length > 0; --length) plain.push_back(plain[plain.size() - distance]);
    }
    if (plain.size() > bytes) break;
  }
  if (plain.size() != bytes)
    fail(what, fmt::format("a chunk does not unpack to its {} bytes", bytes));
  return plain;
}

// Shuffled: the first bytes of all elements, then the second ones, and so on.
std::vector<char> unshuffled(const std::vector<char>& stored, std::size_t element_bytes) {
  const std::size_t count = stored.size() / element_bytes;
  std::vector<char> plain(stored);  // what is no whole element stays as it is
  for (std::size_t byte = 0; byte < element_bytes; ++byte) {
    for (std::size_t i = 0; i < count; ++i)
      plain[i * element_bytes + byte] = stored[byte * count + i];
  }
  return plain;
}

// As H5_checksum_fletcher32 has it: over 16-bit words of which the first byte is the high one, both
// sums folded to 16 bits by adding the carry, the second one high.
std::uint32_t fletcher32(std::span<const char> bytes) {
  constexpr std::size_t kWordsBeforeOverflow = 360;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto folded = [](std::uint32_t sum) { return (sum & 0xFFFFU) + (sum >> 16); };
  std::uint32_t sum = 0, sum_of_sums = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const std::uint32_t low = i + 1 < bytes.size() ? byte(i + 1) : 0;
    sum += static_cast<std::uint32_t>(byte(i)) << 8 | low;
    sum_of_sums += sum;
    if (i / 2 % kWordsBeforeOverflow == kWordsBeforeOverflow - 1) {
      sum = folded(sum);
      sum_of_sums = folded(sum_of_sums);
    }
  }
  return folded(folded(sum_of_sums)) << 16 | folded(folded(sum));
}

// HDF5 before 1.6.3 had the bytes of both halves the other way round on some machines.
std::uint32_t with_halves_swapped(std::uint32_t sum) {
  return (sum & 0x00FF00FFU) << 8 | (sum >> 8 & 0x00FF00FFU);
}

void check_and_cut_sum(std::vector<char>& stored, const std::string& what) {
  if (stored.size() < kFletcherBytes) fail(what, "a chunk has no room for its checksum");
  const auto content = std::span(stored).first(stored.size() - kFletcherBytes);
  std::uint32_t expected = 0;  // least byte first
  for (std::size_t i = 0; i < kFletcherBytes; ++i) {
    const auto byte = static_cast<unsigned char>(stored[content.size() + i]);
    expected |= static_cast<std::uint32_t>(byte) << 8 * i;
  }
  const auto found = fletcher32(content);
  if (found != expected && with_halves_swapped(found) != expected) {
    fail(what, fmt::format("a chunk has the checksum {:08x} instead of {:08x}", found, expected));
  }
  stored.resize(content.size());
}

}  // namespace

std::string unknown_filter(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (name != "gzip" && name != "lzf" && name != "shuffle" && name != "fletcher32") return name;
  }
  return {};
}

std::vector<char> undo_filters(std::vector<char> stored, const ChunkFilters& filters,
                               const std::string& what) {
  for (std::size_t i = filters.names.size(); i-- > 0;) {
    if (i < 32 && (filters.skipped >> i & 1U) != 0) continue;
    const auto& name = filters.names[i];
    if (name == "gzip" || name == "lzf") {
      // A sum may still stand behind the plain bytes.
      const bool sum_within =
          std::find(filters.names.begin(), filters.names.begin() + static_cast<std::ptrdiff_t>(i),
                    "fletcher32") != filters.names.begin() + static_cast<std::ptrdiff_t>(i);
      const auto bytes = filters.chunk_bytes + (sum_within ? kFletcherBytes : 0);
      stored = name == "gzip" ? inflated(stored, bytes, what) : unpacked_lzf(stored, bytes, what);
    } else if (name == "shuffle") {
      stored = unshuffled(stored, filters.element_bytes);
    } else {
      check_and_cut_sum(stored, what);
    }
  }
  if (stored.size() != filters.chunk_bytes) {
    fail(what,
         fmt::format("a chunk has {} bytes instead of {}", stored.size(), filters.chunk_bytes));
  }
  return stored;
}

}  // namespace bertha
