// Looks for line ends and blank lines near the wanted places.
#include "data_pipeline/text/document_cuts.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "data_pipeline/text/compressed_input.h"
#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/dump_parts.h"

namespace bertha {
namespace {

constexpr std::uint64_t kFirstLookBytes = 64 << 10;
constexpr std::uint64_t kMostBytes = 4 << 20;

// The end of the first whole line in `text` that holds nothing but ASCII white space. `text` begins
// within a line.
std::size_t blank_line_end(std::string_view text) {
  for (auto end = text.find('\n'); end != text.npos;) {
    const auto next = text.find('\n', end + 1);
    if (next == text.npos) return text.npos;
    if (text.substr(end + 1, next - end - 1).find_first_not_of(" \t\r") == text.npos) {
      return next + 1;
    }
    end = next;
  }
  return text.npos;
}

std::size_t line_end(std::string_view text, std::size_t from) {
  const auto end = text.find('\n', from);
  return end == text.npos ? end : end + 1;
}

std::size_t cut_in(std::string_view text, TextFormat format) {
  if (format == TextFormat::jsonl) return line_end(text, 0);
  const std::size_t blank = blank_line_end(text);
  if (format == TextFormat::sentences || blank <= kMaximumParagraphBytes) return blank;
  return line_end(text, kMaximumParagraphBytes);
}

std::optional<std::uint64_t> find_cut(const InputFile& file, std::uint64_t near) {
  for (std::uint64_t bytes = kFirstLookBytes;; bytes = kMostBytes) {
    // From one byte before, so that a line that begins just here is found.
    const std::string text = read_part(file.path.string(), near - 1, bytes);
    const std::size_t cut = cut_in(text, file.format);
    if (cut != text.npos) return near - 1 + cut;
    if (bytes == kMostBytes || text.size() < bytes) return {};
  }
}

}  // namespace

std::vector<std::uint64_t> find_document_cuts(const InputFile& file, std::uint64_t wanted_bytes) {
  std::vector<std::uint64_t> cuts;
  if (file.format == TextFormat::mediawiki) return find_dump_cuts(file, wanted_bytes);
  if (file.compression != Compression::none) return cuts;
  if (file.format == TextFormat::text) wanted_bytes = kTextDocumentBytes;
  const std::uint64_t parts =
      (file.bytes + wanted_bytes - 1) / std::max<std::uint64_t>(wanted_bytes, 1);
  for (std::uint64_t part = 1; part < parts; ++part) {
    const std::uint64_t near = file.bytes / parts * part;
    if (near == 0 || (!cuts.empty() && near <= cuts.back())) continue;
    if (const auto cut = find_cut(file, near); cut && *cut < file.bytes) cuts.push_back(*cut);
  }
  return cuts;
}

}  // namespace bertha
