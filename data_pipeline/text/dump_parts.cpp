// Looks for pages near the wanted places; frames a part with the dump's head and end.
#include "data_pipeline/text/dump_parts.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "data_pipeline/text/compressed_input.h"
#include "data_pipeline/text/utf8_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kHeadBytes = 1 << 20;  // that <siteinfo> must end within
constexpr std::uint64_t kFirstLookBytes = 256 << 10, kMostBytes = 4 << 20;
constexpr std::string_view kPage = "<page>";
// How every writer of dumps begins a page; within one, '<' of text is escaped.
constexpr std::string_view kPageLine = "\n  <page>\n";
constexpr std::string_view kEnd = "</mediawiki>\n";

// Up to `bytes` of what `source` gives, fewer only at its end.
std::string read_up_to(ByteSource& source, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t filled = 0;
  while (filled < bytes) {
    const std::size_t got = source.read(text.data() + filled, bytes - filled);
    if (got == 0) break;
    filled += got;
  }
  text.resize(filled);
  return text;
}

std::unique_ptr<ByteSource> open_range(const InputFile& file, std::uint64_t begin,
                                       std::uint64_t end) {
  InputFile range = file;
  range.begin = begin;
  range.end = end;
  return open_file_range(range);
}

// From the root element to the end of <siteinfo>, as valid UTF-8 in one line; empty where there is
// none before the first page.
std::string head_of(const InputFile& file) {
  const auto source = open_range(file, 0, UINT64_MAX);
  constexpr std::string_view kSiteEnd = "</siteinfo>";
  std::string bytes;
  std::size_t end = bytes.npos;
  while (bytes.size() < kHeadBytes && end == bytes.npos) {
    const std::string more = read_up_to(*source, 1 << 16);
    if (more.empty()) return "";
    bytes += more;
    end = bytes.find(kSiteEnd);
  }
  if (end == bytes.npos || bytes.find(kPage) < end) return "";
  bytes.resize(end + kSiteEnd.size());
  const std::size_t root = bytes.find("<mediawiki");
  if (root == bytes.npos) return "";
  Utf8Repair repair;
  std::string head;
  repair.append(std::string_view(bytes).substr(root), head);
  std::ranges::replace(head, '\n', ' ');
  return head;
}

// Whether a bzip2 stream begins here, and with a page.
bool begins_with_page(const InputFile& file, std::uint64_t place) {
  try {
    const auto source = open_range(file, place, UINT64_MAX);
    const std::string text = read_up_to(*source, 256);
    const std::size_t at = text.find_first_not_of(" \t\r\n");
    return at != text.npos && std::string_view(text).substr(at).starts_with(kPage);
  } catch (const Error&) {
    return false;  // bytes that only look like a stream
  }
}

std::optional<std::uint64_t> find_stream(const InputFile& file, std::uint64_t begin,
                                         std::string_view bytes) {
  // "BZh", the block size, and the 48 bits that every block begins with.
  constexpr std::string_view kMagic = "BZh", kBlock = "\x31\x41\x59\x26\x53\x59";
  for (auto at = bytes.find(kMagic); at != bytes.npos; at = bytes.find(kMagic, at + 1)) {
    const bool is_stream = bytes.substr(at).size() >= kMagic.size() + 1 + kBlock.size() &&
                           bytes.substr(at + kMagic.size() + 1).starts_with(kBlock);
    if (is_stream && begins_with_page(file, begin + at)) return begin + at;
  }
  return {};
}

std::optional<std::uint64_t> find_cut(const InputFile& file, std::uint64_t near) {
  for (std::uint64_t bytes = kFirstLookBytes;; bytes = kMostBytes) {
    const std::string text = read_part(file.path.string(), near, bytes);
    if (file.compression == Compression::bzip2) {
      if (const auto cut = find_stream(file, near, text)) return cut;
    } else if (const auto at = text.find(kPageLine); at != text.npos) {
      return near + at + 1;
    }
    if (bytes == kMostBytes || text.size() < bytes) return {};
  }
}

class DumpPart final : public ByteSource {
 public:
  DumpPart(std::string head, std::unique_ptr<ByteSource> body, std::string_view end)
      : head_(std::move(head)), body_(std::move(body)), end_(end) {}

  std::size_t read(char* buffer, std::size_t capacity) override {
    if (!head_.empty()) {
      const std::size_t bytes = head_.copy(buffer, capacity);
      head_.erase(0, bytes);
      return bytes;
    }
    if (const std::size_t bytes = body_->read(buffer, capacity)) return bytes;
    const std::size_t bytes = end_.copy(buffer, capacity);
    end_.remove_prefix(bytes);
    return bytes;
  }
  std::uint64_t compressed_bytes_read() const override { return body_->compressed_bytes_read(); }

 private:
  std::string head_;
  std::unique_ptr<ByteSource> body_;
  std::string_view end_;
};

}  // namespace

std::vector<std::uint64_t> find_dump_cuts(const InputFile& file, std::uint64_t wanted_bytes) {
  std::vector<std::uint64_t> cuts;
  if (file.compression != Compression::none && file.compression != Compression::bzip2) return cuts;
  const std::uint64_t parts = file.bytes / std::max<std::uint64_t>(wanted_bytes, 1);
  if (parts < 2) return cuts;
  try {
    if (head_of(file).empty()) return cuts;
  } catch (const Error&) {
    return cuts;  // damaged: whoever reads it says so
  }
  for (std::uint64_t part = 1; part < parts; ++part) {
    const std::uint64_t near = file.bytes / parts * part;
    if (!cuts.empty() && near <= cuts.back()) continue;
    if (const auto cut = find_cut(file, near)) cuts.push_back(*cut);
  }
  return cuts;
}

std::unique_ptr<ByteSource> open_dump_part(const InputFile& part) {
  std::error_code error;
  const auto file_bytes = std::filesystem::file_size(part.path, error);
  const bool is_last = error || part.end >= file_bytes;
  return std::make_unique<DumpPart>(part.begin == 0 ? "" : head_of(part), open_file_range(part),
                                    is_last ? std::string_view() : kEnd);
}

}  // namespace bertha
