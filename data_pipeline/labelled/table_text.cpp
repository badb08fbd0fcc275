// Names of files and excerpts of what they hold.
#include "data_pipeline/labelled/table_text.h"

#include <algorithm>

namespace bertha {
namespace {

std::string lower_extension(const std::filesystem::path& path) {
  auto extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return extension;
}

constexpr std::size_t kExcerptBytes = 60;
constexpr std::size_t kExcerpts = 20;

bool is_trail_byte(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

std::string table_extension(const std::filesystem::path& path) {
  const auto extension = lower_extension(path);
  const bool compressed = extension == ".gz" || extension == ".bz2" || extension == ".zst";
  return compressed ? lower_extension(path.stem()) : extension;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string excerpt(std::string_view text) {
  auto length = std::min(text.size(), kExcerptBytes);
  while (length > 0 && length < text.size() && is_trail_byte(text[length])) --length;
  std::string result(text.substr(0, length));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
  return length < text.size() ? result + "..." : result;
}

std::string excerpt_list(const std::vector<std::string>& texts) {
  std::string result;
  for (std::size_t i = 0; i < std::min(texts.size(), kExcerpts); ++i) {
    result += (i > 0 ? ", " : "") + excerpt(texts[i]);
  }
  return texts.size() > kExcerpts ? result + ", ..." : result;
}

}  // namespace bertha
