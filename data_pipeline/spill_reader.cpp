// Windowed reads of spill files.
#include "data_pipeline/spill_reader.h"

#include <algorithm>
#include <fcntl.h>

namespace bertha {
namespace {

constexpr std::uint64_t kWindowBytes = 1 << 18;
constexpr std::uint64_t kPieceSentences = 1 << 12;
constexpr std::uint64_t kPieceTokens = 1 << 14;  // and the rest of a sentence

}  // namespace

FileWindow::FileWindow(const std::filesystem::path& path)
    : path_(path.string()),
      file_(open_file(path, O_RDONLY)),
      file_bytes_(std::filesystem::file_size(path)) {}

const char* FileWindow::find(std::uint64_t offset, std::size_t bytes) {
  if (offset < begin_ || offset + bytes > begin_ + window_.size()) {
    const std::uint64_t left = offset < file_bytes_ ? file_bytes_ - offset : 0;
    // A file shorter than the index says is read all the same, to fail as a short file.
    window_.resize(std::max<std::uint64_t>(std::min(kWindowBytes, left), bytes));
    begin_ = offset;
    read_at(file_.get(), path_, offset, window_.data(), window_.size());
  }
  return window_.data() + (offset - begin_);
}

void SpillReader::begin(const SpilledDocument& document) {
  document_ = document;
  if (files_ && unit_ == document.unit) return;
  unit_ = document.unit;
  files_.reset(new Files{FileWindow(spill_path(folder_, unit_, SpillFile::tokens)),
                         FileWindow(spill_path(folder_, unit_, SpillFile::sentences))});
}

std::span<const std::uint32_t> SpillReader::next_sentences() {
  const auto most = static_cast<std::size_t>(std::min(document_.sentences, kPieceSentences));
  auto sentences = files_->sentences.view<std::uint32_t>(document_.first_sentence, most);
  std::uint64_t tokens = 0;
  std::size_t count = 0;
  while (count < sentences.size() && tokens < kPieceTokens) tokens += sentences[count++];
  document_.first_sentence += count;
  document_.sentences -= count;
  return sentences.first(count);
}

}  // namespace bertha
