// Spelling tables, room for the spelling, and the choice of characters.
#include "data_pipeline/samples/character_masking.h"

#include <algorithm>
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
    characters_.push_back(vocabulary.is_special(id) ? std::vector<std::int32_t>{}
                                                    : spell(word, continues, vocabulary));
  }
}

struct CharacterMasking::Word {
  WordGroup pieces;
  std::vector<std::int32_t> characters;
  std::vector<bool> masked;  // by character; empty: not respelled

  std::size_t growth() const { return characters.size() - pieces.size(); }
};

std::vector<CharacterMasking::Word> CharacterMasking::spell_words(
    const std::vector<std::int32_t>& tokens) const {
  std::vector<Word> words;
  for (const auto& group : group_words(tokens, vocabulary_)) {
    Word word{group, {}, {}};
    for (auto i = group.begin; i < group.end; ++i) {
      const auto& piece = spelling_.of(tokens[i]);
      if (piece.empty()) {
        word.characters.assign(tokens.begin() + static_cast<std::ptrdiff_t>(group.begin),
                               tokens.begin() + static_cast<std::ptrdiff_t>(group.end));
        break;
      }
      word.characters.insert(word.characters.end(), piece.begin(), piece.end());
    }
    words.push_back(std::move(word));
  }
  return words;
}

// About 2 * count characters will be respelled: half of a chosen word's characters are masked.
void CharacterMasking::make_room(std::vector<std::int32_t>& tokens,
                                 std::vector<std::int32_t>& segments, std::size_t count) const {
  std::size_t characters = 0, growth = 0;
  for (const auto& word : spell_words(tokens)) {
    characters += word.characters.size();
    growth += word.growth();
  }
  if (characters == 0) return;
  const auto wanted = tokens.size() + (2 * count * growth + characters - 1) / characters;
  for (auto excess = wanted - std::min(wanted, sequence_length_); excess > 0; --excess) {
    // [CLS] A [SEP] or [CLS] A [SEP] B [SEP]: the longer text loses its last token.
    const auto b =
        static_cast<std::size_t>(std::find(segments.begin(), segments.end(), 1) - segments.begin());
    const auto a_tokens = b - std::min<std::size_t>(b, 2);
    const auto b_tokens = tokens.size() - b - (b < tokens.size() ? 1 : 0);
    if (std::max(a_tokens, b_tokens) < 2) return;
    const auto last = static_cast<std::ptrdiff_t>(a_tokens > b_tokens ? b - 2 : tokens.size() - 2);
    tokens.erase(tokens.begin() + last);
    segments.erase(segments.begin() + last);
  }
}

void CharacterMasking::choose_characters(std::vector<Word>& words, std::size_t room,
                                         std::size_t count, Philox& random) const {
  std::vector<std::pair<std::size_t, std::size_t>> characters;  // word, place in it
  for (std::size_t w = 0; w < words.size(); ++w) {
    for (std::size_t c = 0; c < words[w].characters.size(); ++c) characters.emplace_back(w, c);
  }
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < characters.size() && chosen < count; ++i) {
    const auto other = i + static_cast<std::size_t>(random.next_below(characters.size() - i));
    std::swap(characters[i], characters[other]);
    auto& word = words[characters[i].first];
    if (!word.masked.empty() || word.growth() > room) continue;
    room -= word.growth();
    word.masked.assign(word.characters.size(), false);
    word.masked[characters[i].second] = true;
    ++chosen;
    for (std::size_t c = 0; c < word.masked.size() && chosen < count; ++c) {
      if (word.masked[c] || (random.next_u32() & 1U) == 0) continue;
      word.masked[c] = true;
      ++chosen;
    }
  }
  // Where the room was too little for more words: more of the same.
  for (std::size_t i = 0; i < characters.size() && chosen < count; ++i) {
    auto& word = words[characters[i].first];
    if (word.masked.empty() || word.masked[characters[i].second]) continue;
    word.masked[characters[i].second] = true;
    ++chosen;
  }
}

std::vector<std::size_t> CharacterMasking::choose(std::vector<std::int32_t>& tokens,
                                                  std::vector<std::int32_t>& segments,
                                                  std::size_t count, Philox& random) const {
  make_room(tokens, segments, count);
  auto words = spell_words(tokens);
  choose_characters(words, sequence_length_ - std::min(sequence_length_, tokens.size()), count,
                    random);
  std::vector<std::int32_t> new_tokens, new_segments;
  std::vector<std::size_t> positions;
  auto copy_until = [&, from = std::size_t{0}](std::size_t end, std::size_t next) mutable {
    for (; from < end; ++from) {
      new_tokens.push_back(tokens[from]);
      new_segments.push_back(segments[from]);
    }
    from = next;
  };
  for (const auto& word : words) {
    if (word.masked.empty()) continue;
    copy_until(word.pieces.begin, word.pieces.end);
    for (std::size_t c = 0; c < word.characters.size(); ++c) {
      if (word.masked[c]) positions.push_back(new_tokens.size());
      new_tokens.push_back(word.characters[c]);
      new_segments.push_back(segments[word.pieces.begin]);
    }
  }
  copy_until(tokens.size(), tokens.size());
  tokens = std::move(new_tokens);
  segments = std::move(new_segments);
  return positions;
}

}  // namespace bertha
