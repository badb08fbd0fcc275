// Hands runs of ideographs to ICU's word iterator.
#include "data_pipeline/samples/chinese_words.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "data_pipeline/tokenizer/ideographs.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

// An iterator belongs to one thread at a time, and making one takes long.
icu::BreakIterator& word_iterator() {
  thread_local const auto iterator = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> made(
        icu::BreakIterator::createWordInstance(icu::Locale::getChinese(), status));
    if (U_FAILURE(status)) {
      throw Error(ErrorKind::internal,
                  "ICU has no words of Chinese: " + std::string(u_errorName(status)));
    }
    return made;
  }();
  return *iterator;
}

// Calls `use` with the number of characters of each word of a run of `count` ideographs.
template <class Use>
void split_run(const icu::UnicodeString& text, std::size_t count, Use use) {
  auto& iterator = word_iterator();
  iterator.setText(text);
  for (auto unit = iterator.first(); count > 0;) {
    const auto next = iterator.next();
    const auto characters = next == icu::BreakIterator::DONE
                                ? count
                                : static_cast<std::size_t>(text.countChar32(unit, next - unit));
    use(characters);
    count -= characters;
    unit = next;
  }
}

// Short runs come again and again, in every epoch and between: their words are kept. The words of a
// run depend on its characters only, so what is kept where changes nothing but time.
class RunCache {
 public:
  static constexpr std::size_t kLongest = 24;
  using Run = std::array<char16_t, kLongest>;  // zeros behind its end

  // Bit i: a word ends with character i.
  std::uint32_t ends(const Run& run, std::size_t count) {
    const std::size_t place = place_of(run);
    Entry &newer = entries_[place], &older = entries_[place ^ 1];
    if (newer.run == run) return newer.ends;
    if (older.run == run) return older.ends;
    std::size_t end = 0;
    std::uint32_t ends = 0;
    const icu::UnicodeString text(run.data(), static_cast<std::int32_t>(count));
    split_run(text, count, [&](std::size_t characters) {
      end += characters;
      ends |= std::uint32_t{1} << (end - 1);
    });
    older = newer;
    newer = {run, ends};
    return ends;
  }

 private:
  struct Entry {
    Run run{};
    std::uint32_t ends = 0;
  };
  static constexpr unsigned kPlaceBits = 18;  // 14 MB for each thread

  static std::size_t place_of(const Run& run) {
    constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15U;
    std::array<std::uint64_t, sizeof(Run) / sizeof(std::uint64_t)> parts;
    std::memcpy(parts.data(), run.data(), sizeof run);
    std::uint64_t hash = 0;
    for (const std::uint64_t part : parts) {
      hash = (hash ^ part) * kSpread;
      hash ^= hash >> 32U;
    }
    return static_cast<std::size_t>((hash * kSpread) >> (64 - kPlaceBits));
  }

  std::vector<Entry> entries_{std::size_t{1} << kPlaceBits};
};

RunCache& run_cache() {
  thread_local RunCache cache;
  return cache;
}

// The characters of a short run of the basic plane.
std::optional<RunCache::Run> short_run(std::span<const char32_t> characters) {
  if (characters.size() > RunCache::kLongest) return {};
  RunCache::Run run{};
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (characters[i] > 0xFFFF) return {};
    run[i] = static_cast<char16_t>(characters[i]);
  }
  return run;
}

// Calls `use` with the number of characters of each word of a run.
template <class Use>
void split_remembered(std::span<const char32_t> characters, Use use) {
  if (const auto run = short_run(characters)) {
    for (std::uint32_t ends = run_cache().ends(*run, characters.size()); ends != 0;) {
      const auto count = static_cast<unsigned>(std::countr_zero(ends)) + 1;
      use(std::size_t{count});
      ends >>= count;
    }
    return;
  }
  icu::UnicodeString text;
  for (const char32_t character : characters) text.append(static_cast<UChar32>(character));
  split_run(text, characters.size(), use);
}

// Of a run of single tokens from `first` to `last`.
bool are_known(std::span<const std::uint8_t> marks, std::size_t first, std::size_t last) {
  return !marks.empty() && last - first < ChineseWords::kLongestMarked &&
         marks[first] != kUnknownWord && marks[last] != kUnknownWord;
}

}  // namespace

ChineseWords::ChineseWords(const Vocabulary& vocabulary) : characters_(ideographs_of(vocabulary)) {}

void ChineseWords::mark(std::span<const char32_t> run, std::vector<std::uint8_t>& marks) {
  split_remembered(run, [&](std::size_t count) {
    marks.push_back(kBeginsWord);
    marks.insert(marks.end(), count - 1, kContinuesWord);
  });
}

std::vector<WordGroup> ChineseWords::join(std::span<const std::int32_t> tokens,
                                          std::vector<WordGroup> words,
                                          std::span<const std::uint8_t> marks) const {
  if (characters_.empty()) return words;
  std::size_t kept = 0;
  std::vector<char32_t> run;
  for (std::size_t i = 0; i < words.size();) {
    if (character(tokens, words[i]) == 0) {
      words[kept++] = words[i++];
      continue;
    }
    run.clear();
    auto end = i;
    while (end < words.size() && (end == i || words[end].begin == words[end - 1].end)) {
      const auto character = this->character(tokens, words[end]);
      if (character == 0) break;
      run.push_back(character);
      ++end;
    }
    if (end < i + 2) {
      words[kept++] = words[i++];
      continue;
    }
    const auto join_next = [&](std::size_t count) {
      words[kept++] = {words[i].begin, words[i + count - 1].end};
      i += count;
    };
    if (are_known(marks, words[i].begin, words[end - 1].begin)) {
      while (i < end) {
        std::size_t count = 1;
        while (i + count < end && marks[words[i + count].begin] == kContinuesWord) ++count;
        join_next(count);
      }
    } else {
      split_remembered(run, join_next);
    }
  }
  words.resize(kept);
  return words;
}

}  // namespace bertha
