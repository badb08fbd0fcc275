// Walks over the word a second time; the scanner need not remember anything.
#include "data_pipeline/tokenizer/piece_places.h"

#include <algorithm>

#include "data_pipeline/tokenizer/utf8_decoder.h"

namespace bertha {
namespace {

constexpr std::int32_t kReplacementCharacter = 0xFFFD;  // what invalid bytes count as

}  // namespace

void PiecePlaces::start(std::string_view source) {
  characters_.clear();
  at_ = 0;
  taken_ = 0;
  const auto* const text = reinterpret_cast<const unsigned char*>(source.data());
  const auto* const end = text + source.size();
  std::uint32_t given = 0;
  for (const auto* at = text; at < end;) {
    const DecodedCodePoint found = decode_code_point(at, end);
    const auto begin = static_cast<std::uint32_t>(at - text);
    at += found.bytes;
    const auto character = table_.look_up(found.value < 0 ? kReplacementCharacter : found.value);
    switch (character.kind) {
      case CharacterKind::removed:
      case CharacterKind::break_mark:
      case CharacterKind::space:
        continue;
      default:
        given += character.replacement.empty()
                     ? found.bytes
                     : static_cast<std::uint32_t>(character.replacement.size());
    }
    characters_.push_back({begin, begin + found.bytes, given});
  }
}

PiecePlaces::Place PiecePlaces::next(std::uint32_t bytes) {
  if (characters_.empty()) return {0, 0};
  const auto last = characters_.size() - 1;
  while (at_ < last && characters_[at_].given <= taken_) ++at_;
  const auto begin = characters_[at_].begin;
  taken_ += bytes;
  while (at_ < last && characters_[at_].given < taken_) ++at_;
  return {begin, characters_[at_].end};
}

}  // namespace bertha
