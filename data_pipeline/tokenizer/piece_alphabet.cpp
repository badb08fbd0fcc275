// Counts characters by where they stand in words, keeps the frequent ones.
#include "data_pipeline/tokenizer/piece_alphabet.h"

#include <algorithm>
#include <map>

#include "data_pipeline/tokenizer/utf8_decoder.h"

namespace bertha {
namespace {

struct Uses {
  std::uint64_t anywhere = 0;
  std::uint64_t following = 0;  // not at the start of a word
};

struct Candidate {
  std::string_view character;
  bool follows;
  std::uint64_t uses;
};

// `text` is valid and not empty.
std::string_view first_character(std::string_view text) {
  const auto* begin = reinterpret_cast<const unsigned char*>(text.data());
  return text.substr(0, decode_code_point(begin, begin + text.size()).bytes);
}

std::map<std::string_view, Uses> count_characters(const std::vector<CountedWord>& words) {
  std::map<std::string_view, Uses> uses;
  for (const CountedWord& word : words) {
    for (std::string_view rest = word.text; !rest.empty();) {
      const std::string_view character = first_character(rest);
      Uses& found = uses[character];
      found.anywhere += word.count;
      if (rest.size() != word.text.size()) found.following += word.count;
      rest.remove_prefix(character.size());
    }
  }
  return uses;
}

void keep_most_used(std::vector<Candidate>& candidates, std::size_t limit) {
  if (candidates.size() <= limit) return;
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const Candidate& left, const Candidate& right) { return left.uses > right.uses; });
  candidates.resize(limit);
}

}  // namespace

PieceAlphabet::PieceAlphabet(const std::vector<CountedWord>& words, std::size_t max_characters,
                             std::size_t max_pieces) {
  const auto uses = count_characters(words);
  std::vector<Candidate> candidates;
  for (const auto& [character, found] : uses) {
    candidates.push_back({character, false, found.anywhere});
  }
  keep_most_used(candidates, max_characters);
  for (std::size_t i = 0, characters = candidates.size(); i < characters; ++i) {
    const std::string_view character = candidates[i].character;
    const std::uint64_t following = uses.at(character).following;
    if (following > 0) candidates.push_back({character, true, following});
  }
  keep_most_used(candidates, max_pieces);
  std::sort(
      candidates.begin(), candidates.end(), [](const Candidate& left, const Candidate& right) {
        return std::pair(left.follows, left.character) < std::pair(right.follows, right.character);
      });
  for (const Candidate& candidate : candidates) {
    auto& numbers = candidate.follows ? following_ : first_;
    numbers.emplace(candidate.character, static_cast<std::uint32_t>(pieces_.size()));
    pieces_.push_back((candidate.follows ? "##" : "") + std::string(candidate.character));
  }
}

bool PieceAlphabet::split(std::string_view word, std::vector<std::uint32_t>& numbers) const {
  const std::size_t before = numbers.size();
  const auto* pieces = &first_;
  while (!word.empty()) {
    const std::string_view character = first_character(word);
    const auto found = pieces->find(character);
    if (found == pieces->end()) {
      numbers.resize(before);
      return false;
    }
    numbers.push_back(found->second);
    word.remove_prefix(character.size());
    pieces = &following_;
  }
  return true;
}

}  // namespace bertha
