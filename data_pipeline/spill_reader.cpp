// Windowed reads of spill files.
#include "data_pipeline/spill_reader.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <utility>

namespace bertha {
namespace {

constexpr std::uint64_t kWindowBytes = 1 << 17;
constexpr std::uint64_t kPieceSentences = 1 << 12;
constexpr std::uint64_t kPieceTokens = 1 << 20;  // and the rest of a sentence

}  // namespace

FileWindow::FileWindow(const std::filesystem::path& path)
    : path_(path.string()),
      file_(open_file(path, O_RDONLY)),
      file_bytes_(std::filesystem::file_size(path)) {}

void FileWindow::read(std::uint64_t offset, void* data, std::size_t bytes) {
  if (offset < begin_ || offset + bytes > begin_ + window_.size()) {
    if (bytes >= kWindowBytes) return read_at(file_.get(), path_, offset, data, bytes);
    const std::uint64_t left = offset < file_bytes_ ? file_bytes_ - offset : 0;
    // A file shorter than the index says is read all the same, to fail as a short file.
    window_.resize(std::max<std::uint64_t>(std::min(kWindowBytes, left), bytes));
    begin_ = offset;
    read_at(file_.get(), path_, offset, window_.data(), window_.size());
  }
  std::memcpy(data, window_.data() + (offset - begin_), bytes);
}

SpillReader::SpillReader(std::filesystem::path folder, int token_bytes)
    : folder_(std::move(folder)), token_bytes_(token_bytes) {}

void SpillReader::begin(const SpilledDocument& document) {
  document_ = document;
  if (files_ && unit_ == document.unit) return;
  unit_ = document.unit;
  files_.reset(new Files{FileWindow(spill_path(folder_, unit_, SpillFile::tokens)),
                         FileWindow(spill_path(folder_, unit_, SpillFile::sentences))});
}

bool SpillReader::next(std::vector<std::int32_t>& tokens, std::vector<std::uint32_t>& sentences) {
  if (document_.sentences == 0) return false;
  auto& files = *files_;
  sentences.resize(std::min(document_.sentences, kPieceSentences));
  files.sentences.read(document_.first_sentence * sizeof(std::uint32_t), sentences.data(),
                       sentences.size() * sizeof(std::uint32_t));
  std::uint64_t count = 0;
  auto end = sentences.begin();
  while (end != sentences.end() && count < kPieceTokens) count += *end++;
  sentences.erase(end, sentences.end());
  tokens.resize(count);
  if (token_bytes_ == 4) {
    files.tokens.read(document_.first_token * 4, tokens.data(), tokens.size() * 4);
  } else {
    narrow_.resize(tokens.size());
    files.tokens.read(document_.first_token * 2, narrow_.data(), narrow_.size() * 2);
    std::ranges::copy(narrow_, tokens.begin());
  }
  document_.first_sentence += sentences.size();
  document_.first_token += tokens.size();
  document_.sentences -= sentences.size();
  return true;
}

}  // namespace bertha
