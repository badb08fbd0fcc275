// Spelling tables, room for the spelling, and the choice of characters.
#include "data_pipeline/samples/character_masking.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

namespace bertha {
namespace {

constexpr std::string_view kContinuation = "##";

bool is_trail_byte(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Ids of the characters of `word`, the first one bare unless `continues`.
std::vector<std::int32_t> spell(std::string_view word, bool continues,
                                const Vocabulary& vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t end = begin + 1;
    while (end < word.size() && is_trail_byte(word[end])) ++end;
    std::string piece(continues || begin > 0 ? kContinuation : "");
    piece += word.substr(begin, end - begin);
    ids.push_back(vocabulary.find(piece));
    if (ids.back() < 0) return {};
    begin = end;
  }
  return ids;
}

}  // namespace

CharacterSpelling::CharacterSpelling(const Vocabulary& vocabulary) {
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    std::string_view word = vocabulary.token(id);
    const bool continues = vocabulary.is_continuation(id);
    if (continues) word.remove_prefix(std::min(word.size(), kContinuation.size()));
    if (!vocabulary.is_special(id)) {
      const auto ids = spell(word, continues, vocabulary);
      characters_.insert(characters_.end(), ids.begin(), ids.end());
    }
    begins_.push_back(static_cast<std::uint32_t>(characters_.size()));
  }
}

// A word of a sequence and which of all characters are its own.
struct CharacterMasking::Word {
  WordGroup pieces;
  std::size_t begin, end;  // characters
  bool has_spelling;       // otherwise its pieces count as characters
  bool respelled = false;

  std::size_t growth() const { return end - begin - pieces.size(); }
};

struct CharacterMasking::Spelled {
  std::vector<Word> words;
  // By character.
  std::vector<std::uint32_t> word_of;
  std::vector<std::uint8_t> masked;
};

std::vector<CharacterMasking::Word> CharacterMasking::find_words(
    std::span<const std::int32_t> tokens) const {
  std::vector<Word> words;
  const auto groups = group_words(tokens, vocabulary_);
  words.reserve(groups.size());
  std::size_t end = 0;
  for (const auto& group : groups) {
    const auto begin = end;
    bool has_spelling = true;
    for (auto i = group.begin; i < group.end && has_spelling; ++i) {
      const auto characters = spelling_.of(tokens[i]).size();
      has_spelling = characters > 0;
      end += characters;
    }
    if (!has_spelling) end = begin + group.size();
    words.push_back({group, begin, end, has_spelling});
  }
  return words;
}

CharacterMasking::Spelled CharacterMasking::with_characters(std::vector<Word> words) {
  Spelled spelled{std::move(words), {}, {}};
  if (spelled.words.empty()) return spelled;
  const auto characters = spelled.words.back().end;
  spelled.word_of.reserve(characters);
  for (std::uint32_t word = 0; word < spelled.words.size(); ++word) {
    spelled.word_of.resize(spelled.words[word].end, word);
  }
  spelled.masked.resize(characters);
  return spelled;
}

// About 2 * count characters will be respelled: half of a chosen word's characters are masked.
// Whether tokens were removed.
bool CharacterMasking::make_room(const std::vector<Word>& words, std::vector<std::int32_t>& tokens,
                                 std::vector<std::int32_t>& segments, std::size_t count) const {
  if (words.empty()) return false;
  const auto characters = words.back().end;
  std::size_t growth = 0;
  for (const auto& word : words) growth += word.growth();
  const auto wanted = tokens.size() + (2 * count * growth + characters - 1) / characters;
  // [CLS] A [SEP] or [CLS] A [SEP] B [SEP]: the longer text loses its last token.
  const auto b =
      static_cast<std::size_t>(std::find(segments.begin(), segments.end(), 1) - segments.begin());
  const auto a_tokens = b - std::min<std::size_t>(b, 2);
  const auto b_tokens = tokens.size() - b - (b < tokens.size() ? 1 : 0);
  auto a_left = a_tokens, b_left = b_tokens;
  for (auto excess = wanted - std::min(wanted, sequence_length_); excess > 0; --excess) {
    if (std::max(a_left, b_left) < 2) break;
    --(a_left > b_left ? a_left : b_left);
  }
  if (a_left == a_tokens && b_left == b_tokens) return false;
  for (auto* values : {&tokens, &segments}) {
    const auto erase = [&](std::size_t from, std::size_t to) {
      values->erase(values->begin() + static_cast<std::ptrdiff_t>(from),
                    values->begin() + static_cast<std::ptrdiff_t>(to));
    };
    erase(b + b_left, b + b_tokens);
    if (a_tokens > 0) erase(1 + a_left, 1 + a_tokens);
  }
  return true;
}

void CharacterMasking::choose_characters(Spelled& spelled, std::size_t room, std::size_t count,
                                         Philox& random) const {
  std::vector<std::uint32_t> characters(spelled.word_of.size());
  std::iota(characters.begin(), characters.end(), std::uint32_t{0});
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < characters.size() && chosen < count; ++i) {
    const auto other = i + static_cast<std::size_t>(random.next_below(characters.size() - i));
    std::swap(characters[i], characters[other]);
    auto& word = spelled.words[spelled.word_of[characters[i]]];
    if (word.respelled || word.growth() > room) continue;
    room -= word.growth();
    word.respelled = true;
    spelled.masked[characters[i]] = 1;
    ++chosen;
    for (auto c = word.begin; c < word.end && chosen < count; ++c) {
      if (spelled.masked[c] != 0 || (random.next_u32() & 1U) == 0) continue;
      spelled.masked[c] = 1;
      ++chosen;
    }
  }
  // Where the room was too little for more words: more of the same.
  for (std::size_t i = 0; i < characters.size() && chosen < count; ++i) {
    const auto c = characters[i];
    if (spelled.masked[c] != 0 || !spelled.words[spelled.word_of[c]].respelled) continue;
    spelled.masked[c] = 1;
    ++chosen;
  }
}

void CharacterMasking::append_spelling(const Word& word, std::span<const std::int32_t> tokens,
                                       std::vector<std::int32_t>& out) const {
  const auto pieces = tokens.subspan(word.pieces.begin, word.pieces.size());
  if (!word.has_spelling) {
    out.insert(out.end(), pieces.begin(), pieces.end());
    return;
  }
  for (const auto piece : pieces) {
    const auto characters = spelling_.of(piece);
    out.insert(out.end(), characters.begin(), characters.end());
  }
}

Positions CharacterMasking::choose(std::vector<std::int32_t>& tokens,
                                   std::vector<std::int32_t>& segments, std::size_t count,
                                   Philox& random) const {
  auto words = find_words(tokens);
  if (make_room(words, tokens, segments, count)) words = find_words(tokens);
  auto spelled = with_characters(std::move(words));
  choose_characters(spelled, sequence_length_ - std::min(sequence_length_, tokens.size()), count,
                    random);
  std::vector<std::int32_t> new_tokens, new_segments;
  new_tokens.reserve(std::max(sequence_length_, tokens.size()));
  new_segments.reserve(std::max(sequence_length_, tokens.size()));
  Positions positions;
  std::size_t copied = 0;
  const auto copy_until = [&](std::size_t end) {
    const auto from = static_cast<std::ptrdiff_t>(copied), to = static_cast<std::ptrdiff_t>(end);
    new_tokens.insert(new_tokens.end(), tokens.begin() + from, tokens.begin() + to);
    new_segments.insert(new_segments.end(), segments.begin() + from, segments.begin() + to);
  };
  for (const auto& word : spelled.words) {
    if (!word.respelled) continue;
    copy_until(word.pieces.begin);
    copied = word.pieces.end;
    const auto before = static_cast<std::uint32_t>(new_tokens.size());
    for (auto c = word.begin; c < word.end; ++c) {
      if (spelled.masked[c] == 0) continue;
      positions.push_back(before + static_cast<std::uint32_t>(c - word.begin));
    }
    append_spelling(word, tokens, new_tokens);
    new_segments.resize(new_tokens.size(), segments[word.pieces.begin]);
  }
  copy_until(tokens.size());
  tokens = std::move(new_tokens);
  segments = std::move(new_segments);
  return positions;
}

}  // namespace bertha
