// From addresses to numbers.
#include "data_pipeline/shards/number_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/shards/chunk_filters.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::uint64_t kLargestChunk = std::uint64_t{1} << 28;  // bytes, inflated
constexpr std::uint64_t kWidest = 1 << 20;                       // numbers in a row
constexpr std::uint64_t kLongestList = 1 << 16;  // numbers in a row of variable length
constexpr std::size_t kReferenceBytes = 16;      // count, address and index of a list in the heap

template <class Number, bool big_endian>
Number load(const char* from) {
  char bytes[sizeof(Number)];
  std::memcpy(bytes, from, sizeof bytes);
  if constexpr (big_endian) std::reverse(bytes, bytes + sizeof bytes);
  Number number;
  std::memcpy(&number, bytes, sizeof bytes);
  return number;
}

// A number that int32 does not hold, and which it is.
struct WrongNumber {
  std::size_t index;
  std::string value;
};
using Append = std::optional<WrongNumber> (*)(std::span<const char>, std::vector<std::int32_t>&);

// Appends all numbers; says the first wrong one. The common loop has no way out, so that it becomes
// vector instructions.
template <class Number, bool big_endian>
std::optional<WrongNumber> append_all(std::span<const char> bytes,
                                      std::vector<std::int32_t>& values) {
  const auto count = bytes.size() / sizeof(Number);
  const auto before = values.size();
  values.resize(before + count);
  const char* from = bytes.data();
  std::int32_t* to = values.data() + before;
  bool all_fit = true;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = load<Number, big_endian>(from + i * sizeof(Number));
    all_fit &= std::in_range<std::int32_t>(number);
    to[i] = static_cast<std::int32_t>(number);
  }
  for (std::size_t i = 0; !all_fit && i < count; ++i) {
    const auto number = load<Number, big_endian>(from + i * sizeof(Number));
    if (!std::in_range<std::int32_t>(number)) return WrongNumber{i, std::to_string(number)};
  }
  return std::nullopt;
}

template <bool big_endian>
Append append_of(int bytes, bool is_signed) {
  const auto pick = [is_signed]<class Signed>(Signed) -> Append {
    return is_signed ? append_all<Signed, big_endian>
                     : append_all<std::make_unsigned_t<Signed>, big_endian>;
  };
  if (bytes == 1) return pick(std::int8_t{});
  if (bytes == 2) return pick(std::int16_t{});
  if (bytes == 4) return pick(std::int32_t{});
  return pick(std::int64_t{});
}

}  // namespace

void NumberDataset::fail(const std::string& what) const {
  throw Error(ErrorKind::bad_data, fmt::format("{}: dataset {} {}", path_, name_, what),
              "restore it from a good copy, or make it anew");
}

NumberDataset::NumberDataset(const Hdf5File& file, const std::filesystem::path& path,
                             const std::string& name)
    : path_(path.string()),
      name_(name),
      description_(file.dataset(name)),
      file_bytes_(std::filesystem::file_size(path)) {
  const auto& type = description_.type;
  for (const int bytes : {1, 2, 4, 8}) {
    for (const bool is_signed : {false, true}) {
      const auto plain = fmt::format("{}int{}", is_signed ? "" : "u", 8 * bytes);
      if (type != plain && type != plain + " big-endian") continue;
      bytes_ = bytes;
      is_signed_ = is_signed;
      big_endian_ = type != plain;
    }
  }
  if (bytes_ == 0) fail(fmt::format("holds {}, not whole numbers", type));
  const auto& shape = description_.shape;
  if (shape.empty() || shape.size() > 2 || (variable_length() && shape.size() != 1)) {
    fail(fmt::format("has {} dimensions, not one or two", shape.size()));
  }
  if (shape[0] == 0 || width() == 0) fail("is empty");
  if (width() > kWidest) fail(fmt::format("has rows of {} numbers", width()));
  if (variable_length() && description_.element_bytes != kReferenceBytes) {
    fail("has lists in a form that this program does not read");
  }
  if (description_.contiguous) {
    if (description_.address > file_bytes_ ||
        description_.bytes > file_bytes_ - description_.address) {
      fail(fmt::format("ends at byte {}, but the file has {}",
                       description_.address + description_.bytes, file_bytes_));
    }
    return;
  }
  std::uint64_t chunk_bytes = description_.element_bytes;
  for (const auto edge : description_.chunk_shape) {
    if (edge == 0 || chunk_bytes > kLargestChunk / edge) fail("has chunks of over 256 MiB");
    chunk_bytes *= edge;
  }
  if (description_.chunk_shape.empty()) fail("is not in the file itself, or of a compact layout");
  if (const auto filter = unknown_filter(description_.filters); !filter.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: dataset {} is stored with {}, which this program does not read",
                            path_, name_, filter),
                "rewrite it with `h5repack -f GZIP=4`");
  }
}

std::uint64_t NumberDataset::width() const {
  return description_.shape.size() > 1 ? description_.shape[1] : 1;
}

std::vector<char> NumberDataset::read_chunk(int opened, const Hdf5Chunk& chunk,
                                            std::uint64_t row) const {
  std::size_t bytes = description_.element_bytes;
  for (const auto edge : description_.chunk_shape) bytes *= static_cast<std::size_t>(edge);
  if (chunk.bytes == 0) return std::vector<char>(bytes);
  if (chunk.address > file_bytes_ || chunk.bytes > file_bytes_ - chunk.address) {
    fail(fmt::format("has a chunk at byte {}, but the file has {}", chunk.address + chunk.bytes,
                     file_bytes_));
  }
  std::vector<char> stored(static_cast<std::size_t>(chunk.bytes));
  read_at(opened, path_, chunk.address, stored.data(), stored.size());
  return undo_filters(
      std::move(stored),
      {description_.filters, chunk.skipped_filters, description_.element_bytes, bytes},
      fmt::format("{}: dataset {} from row {} on", path_, name_, row));
}

ChunkRange NumberDataset::chunks_of(std::uint64_t begin, std::uint64_t end) const {
  if (description_.contiguous || begin >= end) return {};
  const auto rows = description_.chunk_shape[0], side = chunks_side_by_side();
  return {begin / rows * side, ((end - 1) / rows + 1) * side};
}

std::vector<Hdf5Chunk> NumberDataset::find_chunks(const Hdf5File& file, ChunkRange range) const {
  std::vector<std::vector<std::uint64_t>> starts;
  for (auto chunk = range.begin; chunk < range.end; ++chunk) {
    starts.push_back({chunk / chunks_side_by_side() * description_.chunk_shape[0]});
    if (description_.chunk_shape.size() > 1) {
      starts.back().push_back(chunk % chunks_side_by_side() * chunk_columns());
    }
  }
  return file.find_chunks(name_, starts);
}

// The chunks that lie side by side from row `band` on: what they have of rows [begin, end).
void NumberDataset::copy_band(std::span<const Hdf5Chunk> chunks, int opened, std::uint64_t band,
                              std::uint64_t begin, std::uint64_t end,
                              std::vector<char>& bytes) const {
  const auto element = description_.element_bytes;
  const auto columns = chunk_columns();
  const auto first = std::max(begin, band);
  const auto last = std::min(end, band + description_.chunk_shape[0]);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto plain = read_chunk(opened, chunks[i], band);
    const auto column = i * columns;
    const auto wanted = std::min(columns, width() - column) * element;
    for (auto row = first; row < last; ++row) {
      std::memcpy(bytes.data() + ((row - begin) * width() + column) * element,
                  plain.data() + (row - band) * columns * element, wanted);
    }
  }
}

// Megabytes, read block after block: a thread keeps its memory, or the kernel would have to clear
// it anew for each, which takes as long as inflating. All of it is overwritten.
std::span<const char> NumberDataset::read_bytes(const std::vector<Hdf5Chunk>& chunks, int opened,
                                                std::uint64_t begin, std::uint64_t end) const {
  thread_local std::vector<char> bytes;
  const auto row_bytes = width() * description_.element_bytes;
  bytes.resize(static_cast<std::size_t>((end - begin) * row_bytes));
  if (description_.contiguous) {
    read_at(opened, path_, description_.address + begin * row_bytes, bytes.data(), bytes.size());
    return bytes;
  }
  const auto chunk_rows = description_.chunk_shape[0];
  const auto side = static_cast<std::size_t>(chunks_side_by_side());
  std::size_t chunk = 0;
  for (auto band = begin / chunk_rows * chunk_rows; band < end; band += chunk_rows) {
    copy_band(std::span(chunks).subspan(chunk, side), opened, band, begin, end, bytes);
    chunk += side;
  }
  return bytes;
}

// Rows from `row` on, of `numbers` each.
void NumberDataset::append_numbers(std::span<const char> bytes, std::uint64_t row,
                                   std::size_t numbers, NumberRows& rows) const {
  const auto append =
      big_endian_ ? append_of<true>(bytes_, is_signed_) : append_of<false>(bytes_, is_signed_);
  if (const auto wrong = append(bytes, rows.values)) {
    fail(fmt::format("row {}: value {} is out of all range", row + wrong->index / numbers,
                     wrong->value));
  }
  while (rows.offsets.back() < rows.values.size()) {
    rows.offsets.push_back(rows.offsets.back() + numbers);
  }
}

void NumberDataset::append_list(const char* reference, std::uint64_t row, HeapReader& heap,
                                NumberRows& rows) const {
  std::uint32_t count = 0, index = 0;
  std::uint64_t address = 0;
  std::memcpy(&count, reference, sizeof count);
  std::memcpy(&address, reference + 4, sizeof address);
  std::memcpy(&index, reference + 12, sizeof index);
  if (count == 0) {
    rows.offsets.push_back(rows.values.size());
    return;
  }
  if (count > kLongestList) fail(fmt::format("row {}: a list of {} numbers", row, count));
  const auto wanted = std::size_t{count} * static_cast<std::size_t>(bytes_);
  std::span<const char> object;
  try {
    object = heap.object(address, index);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}, named by row {}", error.message(), row),
                error.remedy(), error.where());
  }
  if (object.size() < wanted) {
    fail(fmt::format("row {}: {} numbers, but only {} bytes of them", row, count, object.size()));
  }
  // Each list has bytes of its own; a damaged file may name the same ones in every row.
  const auto listed = (rows.values.size() + count) * static_cast<std::uint64_t>(bytes_);
  if (listed > file_bytes_) {
    fail(
        fmt::format("row {}: with this list of {} numbers, rows have more than the file's {} bytes",
                    row, count, file_bytes_));
  }
  append_numbers(object.first(wanted), row, count, rows);
}

NumberRows NumberDataset::read(const std::vector<Hdf5Chunk>& chunks, int opened,
                               std::uint64_t begin, std::uint64_t end) const {
  const auto bytes = read_bytes(chunks, opened, begin, end);
  const auto row_bytes = static_cast<std::size_t>(width() * description_.element_bytes);
  NumberRows rows;
  rows.offsets.reserve(static_cast<std::size_t>(end - begin) + 1);
  HeapReader heap(opened, fmt::format("{}: dataset {}", path_, name_), file_bytes_);
  if (!variable_length()) {
    rows.values.reserve(static_cast<std::size_t>((end - begin) * width()));
    append_numbers(bytes, begin, static_cast<std::size_t>(width()), rows);
    return rows;
  }
  for (auto row = begin; row < end; ++row) {
    append_list(bytes.data() + static_cast<std::size_t>(row - begin) * row_bytes, row, heap, rows);
  }
  return rows;
}

}  // namespace bertha
