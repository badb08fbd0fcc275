// The trie in ICU's data ("cjdict.dict") is read once through ICU's own reader.
#include "data_pipeline/samples/ideograph_dictionary.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>

#include <unicode/normalizer2.h>
#include <unicode/ucharstrie.h>
#include <unicode/udata.h>
#include <unicode/uscript.h>

namespace bertha {
namespace {

constexpr std::size_t kPlane = 0x10000;
constexpr std::uint16_t kNoWord = std::numeric_limits<std::uint16_t>::max();
// As in ICU's CjkBreakEngine: a character that is no word costs as much as the rarest word, and
// words have up to 20 characters.
constexpr std::uint32_t kCostOfUnknown = 255;
constexpr std::size_t kLongestWord = 20;
// Of ICU's DictionaryData: eight numbers, of which the first is where the trie begins, and the low
// bits of the fifth say of what units it is.
constexpr std::int32_t kUnitsMask = 7, kUnitsOf16Bits = 1;
constexpr std::size_t kTrieType = 4, kNumbers = 8;

constexpr std::size_t kPairBits = std::size_t{1} << 20, kBits = 64;

std::size_t hash_of(char16_t first, char16_t second) {
  const auto both = static_cast<std::uint32_t>(first) << 16 | second;
  return static_cast<std::size_t>(both * std::uint64_t{0x9E3779B97F4A7C15} >> 24);
}

// Of the hash's high end; places in a table are of its low end.
std::size_t bit_of(std::size_t hash) {
  return hash >> 20 & (kPairBits - 1);
}

struct DataCloser {
  void operator()(UDataMemory* data) const { udata_close(data); }
};

bool is_known(UChar32 character, const icu::Normalizer2& normalizer) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(character, &status) == USCRIPT_HAN && U_SUCCESS(status) &&
         normalizer.isInert(character) != 0;
}

}  // namespace

std::optional<IdeographDictionary> IdeographDictionary::of_icu() {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UDataMemory, DataCloser> data(
      udata_open(U_ICUDATA_NAME "-brkitr", "dict", "cjdict", &status));
  if (U_FAILURE(status)) return std::nullopt;
  const auto* numbers = static_cast<const std::int32_t*>(udata_getMemory(data.get()));
  const auto begin = numbers[0];
  if ((numbers[kTrieType] & kUnitsMask) != kUnitsOf16Bits ||
      begin < static_cast<std::int32_t>(kNumbers * sizeof *numbers) || begin % 2 != 0) {
    return std::nullopt;
  }
  const auto* trie = reinterpret_cast<const char16_t*>(numbers) + begin / 2;
  Words words;
  icu::UCharsTrie::Iterator iterator(trie, 0, status);
  while (iterator.next(status) != 0) {
    const auto& text = iterator.getString();
    const auto cost = static_cast<std::uint32_t>(iterator.getValue());
    if (text.length() == 0 || cost >= kNoWord) continue;
    words.emplace_back(std::u16string(text.getBuffer(), static_cast<std::size_t>(text.length())),
                       cost);
  }
  if (U_FAILURE(status) || words.empty()) return std::nullopt;
  return IdeographDictionary(words);
}

IdeographDictionary::IdeographDictionary(const Words& words)
    : of_character_(kPlane), known_(kPlane) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFKCInstance(status);
  for (std::size_t c = 0; c < kPlane && U_SUCCESS(status); ++c) {
    known_[c] = is_known(static_cast<UChar32>(c), *normalizer);
  }
  Words used;
  for (const auto& [text, cost] : words) {
    const bool all_known = std::ranges::all_of(text, [this](char16_t c) { return knows(c); });
    if (text.size() <= kLongestWord && all_known) used.emplace_back(text, cost);
  }
  std::ranges::sort(used);
  lay_out(used);
}

// Nodes are taken in the order in which they were made; each makes its children.
void IdeographDictionary::lay_out(const Words& words) {
  struct Range {
    std::size_t begin, end;  // of words
    std::size_t depth;
  };
  std::vector<Range> ranges{{0, words.size(), 0}};
  nodes_.push_back({0, kNoWord, 0});
  for (std::size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && words[begin].first.size() == depth) {
      nodes_[node].cost = static_cast<std::uint16_t>(words[begin++].second);
    }
    nodes_[node].first_child = static_cast<std::uint32_t>(ranges.size());
    while (begin < end) {
      const auto character = words[begin].first[depth];
      auto next = begin;
      while (next < end && words[next].first[depth] == character) ++next;
      if (node == 0) of_character_[character] = static_cast<std::uint32_t>(ranges.size());
      ranges.push_back({begin, next, depth + 1});
      nodes_.push_back({0, kNoWord, character});
      begin = next;
    }
  }
  nodes_.push_back({static_cast<std::uint32_t>(nodes_.size()), kNoWord, 0});
  lay_out_pairs();
}

void IdeographDictionary::lay_out_pairs() {
  const auto begin = nodes_[nodes_[0].first_child].first_child;
  const auto end = nodes_[nodes_[1].first_child].first_child;
  pairs_.resize(std::bit_ceil(std::size_t{end - begin} * 5 / 4 + 1));
  pair_bits_.resize(kPairBits / kBits);
  for (auto first = nodes_[0].first_child; first < nodes_[1].first_child; ++first) {
    for (auto second = nodes_[first].first_child; second < nodes_[first + 1].first_child;
         ++second) {
      const auto hash = hash_of(nodes_[first].character, nodes_[second].character);
      pair_bits_[bit_of(hash) / kBits] |= std::uint64_t{1} << bit_of(hash) % kBits;
      auto place = hash & (pairs_.size() - 1);
      while (pairs_[place] != 0) place = (place + 1) & (pairs_.size() - 1);
      pairs_[place] = second;
    }
  }
}

std::uint32_t IdeographDictionary::node_of_pair(char16_t first, char16_t second) const {
  const auto parent = of_character_[first];
  if (parent == 0) return 0;
  const auto begin = nodes_[parent].first_child;
  const auto children = nodes_[parent + 1].first_child - begin;
  for (auto place = hash_of(first, second);; ++place) {
    const auto node = pairs_[place & (pairs_.size() - 1)];
    if (node == 0 || (node - begin < children && nodes_[node].character == second)) return node;
  }
}

// First the places of those that the bits let pass, without a branch, then these: of text a third,
// in no order that a processor could guess.
void IdeographDictionary::find_pairs(std::span<const char32_t> run,
                                     std::vector<std::uint32_t>& nodes) const {
  thread_local std::vector<std::uint32_t> likely;  // for its memory
  nodes.assign(run.size(), 0);
  likely.resize(run.size());
  const auto at = [run](std::size_t i) { return static_cast<char16_t>(run[i]); };
  std::size_t found = 0;
  for (std::size_t i = 0; i + 1 < run.size(); ++i) {
    const auto bit = bit_of(hash_of(at(i), at(i + 1)));
    likely[found] = static_cast<std::uint32_t>(i);
    found += pair_bits_[bit / kBits] >> bit % kBits & 1U;
  }
  for (std::size_t l = 0; l < found; ++l) {
    const auto i = likely[l];
    nodes[i] = node_of_pair(at(i), at(i + 1));
  }
}

std::uint32_t IdeographDictionary::child_of(std::uint32_t node, char16_t character) const {
  // Few, below two characters.
  for (auto child = nodes_[node].first_child; child < nodes_[node + 1].first_child; ++child) {
    if (nodes_[child].character == character) return child;
  }
  return 0;
}

// Dynamic programming from the beginning; of equal costs the word that begins first stays.
std::span<const std::uint32_t> IdeographDictionary::word_ends(std::span<const char32_t> run) const {
  constexpr auto kNever = std::numeric_limits<std::uint32_t>::max();
  thread_local std::vector<std::uint32_t> least, from, pairs, ends;  // for their memory
  const auto size = run.size();
  least.assign(size + 1, kNever);
  from.resize(size + 1);
  find_pairs(run, pairs);
  least[0] = 0;
  for (std::size_t begin = 0; begin < size; ++begin) {
    const auto so_far = least[begin];
    const auto add = [&](std::size_t end, std::uint32_t cost) {
      const bool is_less = so_far + cost < least[end];
      least[end] = is_less ? so_far + cost : least[end];
      from[end] = is_less ? static_cast<std::uint32_t>(begin) : from[end];
    };
    const auto single = of_character_[run[begin]];
    const auto cost = nodes_[single].cost;  // the root's: none
    add(begin + 1, cost != kNoWord ? cost : kCostOfUnknown);
    const auto most = std::min(size, begin + kLongestWord);
    auto node = pairs[begin];
    for (auto end = begin + 2; node != 0; ++end) {
      if (nodes_[node].cost != kNoWord) add(end, nodes_[node].cost);
      if (end == most) break;
      node = child_of(node, static_cast<char16_t>(run[end]));
    }
  }
  ends.clear();
  for (auto end = static_cast<std::uint32_t>(run.size()); end > 0; end = from[end]) {
    ends.push_back(end);
  }
  std::ranges::reverse(ends);
  return ends;
}

std::vector<std::u32string> IdeographDictionary::some_words(std::size_t step) const {
  const auto count = static_cast<std::uint32_t>(nodes_.size() - 1);
  std::vector<std::uint32_t> parents(count);
  for (std::uint32_t node = 0; node < count; ++node) {
    for (auto child = nodes_[node].first_child; child < nodes_[node + 1].first_child; ++child) {
      parents[child] = node;
    }
  }
  std::vector<std::u32string> words;
  std::size_t word = 0;
  for (std::uint32_t node = 1; node < count; ++node) {
    if (nodes_[node].cost == kNoWord || word++ % step != 0) continue;
    auto& text = words.emplace_back();
    for (auto at = node; at != 0; at = parents[at])
      text += static_cast<char32_t>(nodes_[at].character);
    std::ranges::reverse(text);
  }
  return words;
}

}  // namespace bertha
