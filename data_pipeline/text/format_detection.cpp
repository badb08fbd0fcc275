// Recognition by magic numbers, root element, opening brace and extension.
#include "data_pipeline/text/format_detection.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "data_pipeline/text/byte_source.h"
#include "data_pipeline/text/compressed_input.h"

namespace bertha {
namespace {

constexpr std::size_t kHeadBytes = 4096;

// With its full stop; of names only, since taking a path apart costs as much as opening its file.
std::string lower_extension(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const auto stop = name.rfind('.');
  if (stop == name.npos || stop == 0) return {};
  std::string extension(name.substr(stop));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

Compression compression_by_name(std::string_view path) {
  const std::string extension = lower_extension(path);
  if (extension == ".gz") return Compression::gzip;
  if (extension == ".bz2") return Compression::bzip2;
  if (extension == ".zst") return Compression::zstd;
  return Compression::none;
}

std::string first_bytes(ByteSource& source, std::size_t count) {
  std::string head(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const std::size_t got = source.read(head.data() + filled, count - filled);
    if (got == 0) break;
    filled += got;
  }
  head.resize(filled);
  return head;
}

std::optional<TextFormat> format_by_name(const InputFile& file) {
  std::string_view path = file.path.native();
  if (compression_by_name(path) != Compression::none) path = path.substr(0, path.rfind('.'));
  const std::string extension = lower_extension(path);
  if (extension == ".txt" || extension == ".text" || extension == ".md") return TextFormat::text;
  if (extension == ".sentences" || extension == ".sent") return TextFormat::sentences;
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".json") {
    return TextFormat::jsonl;
  }
  if (extension == ".xml") return TextFormat::mediawiki;
  return std::nullopt;
}

bool begins_as_dump(std::string_view head) {
  constexpr std::size_t kMostBefore = 16;  // white space and a byte order mark
  // UTF-16 dumps exist, so there may be as many NULs again.
  if (head.substr(0, 2 * kMostBefore + 2).find('<') == head.npos) return false;
  std::string narrow(head);  // without NULs their markup is ASCII
  narrow.erase(std::remove(narrow.begin(), narrow.end(), '\0'), narrow.end());
  if (narrow.find("<mediawiki") == narrow.npos) return false;
  // Something else before makes it a text about such files.
  const auto start = narrow.find('<');
  const std::string_view opening = std::string_view(narrow).substr(start);
  return start <= kMostBefore && (opening.starts_with("<mediawiki") ||
                                  opening.starts_with("<?xml") || opening.starts_with("<!--"));
}

}  // namespace

std::string read_head(const std::filesystem::path& path) {
  return read_part(path.string(), 0, kHeadBytes);
}

Compression detect_compression(const std::filesystem::path& path) {
  return detect_compression(path, read_head(path));
}

Compression detect_compression(const std::filesystem::path& path, std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b\x08"sv)) return Compression::gzip;  // RFC 1952, section 2.3
  // "BZh", the level, then a block's or the end's magic number (pi or its square root in BCD).
  if (head.starts_with("BZh") && head.size() >= 10 &&
      (head.substr(4, 6) == "\x31\x41\x59\x26\x53\x59"sv ||
       head.substr(4, 6) == "\x17\x72\x45\x38\x50\x90"sv)) {
    return Compression::bzip2;
  }
  // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or a skippable frame 0x184D2A50 to 0x184D2A5F.
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::zstd;
  if (head.size() >= 4 && head.substr(1, 3) == "\x2a\x4d\x18"sv &&
      (static_cast<unsigned char>(head[0]) & 0xF0U) == 0x50U) {
    return Compression::zstd;
  }
  return compression_by_name(path.native());
}

std::optional<TextFormat> detect_text_format(const InputFile& file, std::string_view raw_head) {
  std::string unpacked;
  if (file.compression != Compression::none) {
    unpacked = first_bytes(*open_file_range(file), kHeadBytes);
  }
  const std::string_view head = file.compression == Compression::none ? raw_head : unpacked;
  if (begins_as_dump(head)) return TextFormat::mediawiki;
  if (const auto named = format_by_name(file)) return named;
  if (head.find('\0') != std::string::npos) return std::nullopt;
  const auto first = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first != std::string::npos && head[first] == '{') {
    const auto second = head.find_first_not_of(" \t", first + 1);
    if (second != std::string::npos && head[second] == '"') return TextFormat::jsonl;
  }
  return TextFormat::text;
}

}  // namespace bertha
