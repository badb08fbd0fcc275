// Windowed reads of the spill.
#include "data_pipeline/prepare/spill_reader.h"

#include <algorithm>

namespace bertha {
namespace {

constexpr std::uint64_t kWindowBytes = 1 << 18;
constexpr std::uint64_t kPieceSentences = 1 << 12;
constexpr std::uint64_t kPieceTokens = 1 << 14;  // and the rest of a sentence

}  // namespace

const char* SpillWindow::find(const SpillFile& file, std::uint64_t offset, std::size_t bytes) {
  if (offset < begin_ || offset + bytes > begin_ + window_.size()) {
    const std::uint64_t all = file.bytes(stream_), left = offset < all ? all - offset : 0;
    // A stream shorter than the index says is read all the same, to fail as such.
    window_.resize(std::max<std::uint64_t>(std::min(kWindowBytes, left), bytes));
    begin_ = offset;
    file.read(stream_, offset, window_.data(), window_.size());
  }
  return window_.data() + (offset - begin_);
}

void SpillReader::begin(const SpilledDocument& document) {
  document_ = document;
  if (unit_ && unit_->number == document.unit) return;
  unit_.reset(new Unit{document.unit, SpillFile(folder_, document.unit)});
}

std::span<const std::uint32_t> SpillReader::next_sentences() {
  const auto most = static_cast<std::size_t>(std::min(document_.sentences, kPieceSentences));
  auto sentences =
      unit_->sentences.view<std::uint32_t>(unit_->file, document_.first_sentence, most);
  std::uint64_t tokens = 0;
  std::size_t count = 0;
  while (count < sentences.size() && tokens < kPieceTokens) tokens += sentences[count++];
  document_.first_sentence += count;
  document_.sentences -= count;
  return sentences.first(count);
}

}  // namespace bertha
