// Builds the table from what Hugging Face knows of code points, in the order of its BertNormalizer:
// clean, part ideographs, decompose and strip accents, lower case.
#include "data_pipeline/tokenizer/character_table.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "data_pipeline/tokenizer/hugging_face_unicode.h"
#include "data_pipeline/tokenizer/utf8_decoder.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::int32_t kCodePoints = 0x110000;

struct Normalized {
  std::array<std::int32_t, 8> parts;
  std::size_t count = 0;
  bool has_break_mark = false;  // an accent of class 0 was stripped

  void add(const hugging_face::Decomposition& more) {
    for (int i = 0; i < more.count; ++i) parts.at(count++) = more.parts[i];
  }
  template <class Condition>
  bool any(Condition condition) const {
    return std::any_of(parts.begin(), parts.begin() + count, condition);
  }
};

Normalized normalize(std::int32_t code_point, const TokenizerOptions& options) {
  Normalized result;
  hugging_face::Decomposition decomposed{{code_point}, 1};
  if (options.strip_accents) decomposed = hugging_face::decompose(code_point);
  for (int i = 0; i < decomposed.count; ++i) {
    const std::int32_t part = decomposed.parts[i];
    if (options.strip_accents && hugging_face::is_accent(part)) {
      result.has_break_mark |= hugging_face::combining_class(part) == 0;
    } else if (options.lower_case) {
      result.add(hugging_face::lower_case(part));
    } else {
      result.add({{part}, 1});
    }
  }
  return result;
}

bool has_class(std::int32_t code_point) {
  return hugging_face::combining_class(code_point) != 0;
}

CharacterKind kind_of(std::int32_t code_point, const Normalized& normalized,
                      const TokenizerOptions& options) {
  if (normalized.count == 0) {
    return normalized.has_break_mark ? CharacterKind::break_mark : CharacterKind::removed;
  }
  const bool punctuation = normalized.any(hugging_face::is_punctuation);
  if (punctuation && normalized.count > 1) {
    throw Error(ErrorKind::internal, "a code point decomposes to punctuation and more");
  }
  if (punctuation || (options.chinese_characters && hugging_face::is_chinese(code_point))) {
    return CharacterKind::isolated;
  }
  if (options.strip_accents && normalized.any(has_class)) return CharacterKind::reordered;
  return normalized.count == 1 && normalized.parts[0] == code_point ? CharacterKind::word
                                                                    : CharacterKind::replaced;
}

}  // namespace

const CharacterTable& CharacterTable::of(const TokenizerOptions& options) {
  static std::array<std::once_flag, 8> built;
  static std::array<std::unique_ptr<const CharacterTable>, 8> tables;
  const std::size_t place = (options.lower_case ? 1U : 0U) + (options.strip_accents ? 2U : 0U) +
                            (options.chinese_characters ? 4U : 0U);
  std::call_once(built[place],
                 [&] { tables[place] = std::make_unique<const CharacterTable>(options); });
  return *tables[place];
}

CharacterTable::CharacterTable(const TokenizerOptions& options) {
  std::map<std::vector<std::uint32_t>, std::uint32_t> starts;
  std::vector<std::uint32_t> block(kBlock);
  for (std::int32_t first = 0; first < kCodePoints; first += static_cast<std::int32_t>(kBlock)) {
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      block[i] = make_entry(first + static_cast<std::int32_t>(i), options);
    }
    const auto next = static_cast<std::uint32_t>(entries_.size());
    const auto [place, is_new] = starts.try_emplace(block, next);
    if (is_new) entries_.insert(entries_.end(), block.begin(), block.end());
    block_starts_.push_back(place->second);
  }
  fill_bytes();
}

std::uint32_t CharacterTable::make_entry(std::int32_t code_point, const TokenizerOptions& options) {
  const auto only_kind = [](CharacterKind kind) { return static_cast<std::uint32_t>(kind); };
  if (hugging_face::is_blank_place(code_point)) return only_kind(CharacterKind::word);
  if (hugging_face::is_removed(code_point)) return only_kind(CharacterKind::removed);
  if (hugging_face::is_space(code_point)) return only_kind(CharacterKind::space);
  const Normalized normalized = normalize(code_point, options);
  const CharacterKind kind = kind_of(code_point, normalized, options);
  if (normalized.count == 0 || kind == CharacterKind::word) return only_kind(kind);
  std::string replacement, original;
  for (std::size_t i = 0; i < normalized.count; ++i) append_utf8(normalized.parts[i], replacement);
  append_utf8(code_point, original);
  if (kind == CharacterKind::isolated && replacement == original) return only_kind(kind);
  if (replacement.size() > original.size() * kMaxExpansion || replacement.size() > 0xF) {
    throw Error(ErrorKind::internal, "a code point decomposes to more bytes than expected");
  }
  const auto start = static_cast<std::uint32_t>(replacements_.size());
  replacements_ += replacement;
  return start << 8 | static_cast<std::uint32_t>(replacement.size()) << 4 | only_kind(kind);
}

void CharacterTable::fill_bytes() {
  byte_kinds_.fill(CharacterKind::not_ascii);
  for (unsigned char byte = 0; byte < 0x80; ++byte) {
    const Character character = look_up(byte);
    byte_kinds_[byte] = character.kind;
    if (character.kind == CharacterKind::word) plain_[byte] = byte;
    if (character.kind == CharacterKind::replaced) {
      plain_[byte] = static_cast<unsigned char>(character.replacement[0]);
    }
  }
}

}  // namespace bertha
