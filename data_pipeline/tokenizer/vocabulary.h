// The token list of a WordPiece vocabulary and the ids of the special tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_pipeline/tokenizer/string_hash.h"

namespace bertha {

class Vocabulary {
 public:
  // One token a line, ids in order. Error{io}; Error{bad_data} for duplicates, empty lines, invalid
  // UTF-8, or a missing special token ([PAD] [UNK] [CLS] [SEP] [MASK]).
  static Vocabulary from_file(const std::filesystem::path& path);
  static Vocabulary from_text(std::string_view text, const std::string& name_for_errors);
  explicit Vocabulary(std::vector<std::string> tokens, const std::string& name_for_errors);

  static constexpr std::int32_t kMaxTokens = 1 << 23;  // what PieceTrie can number

  std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }
  const std::string& token(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)]; }
  const std::vector<std::string>& tokens() const { return tokens_; }
  std::int32_t find(std::string_view token) const;       // -1: not there
  const std::string& sha256() const { return sha256_; }  // of text()
  std::string text() const;  // as vocab.txt: every token and a line feed

  std::int32_t pad() const { return pad_; }
  std::int32_t unknown() const { return unknown_; }
  std::int32_t cls() const { return cls_; }
  std::int32_t sep() const { return sep_; }
  std::int32_t mask() const { return mask_; }
  bool is_continuation(std::int32_t id) const {
    return continuation_[static_cast<std::size_t>(id)] != 0;
  }
  bool is_special(std::int32_t id) const { return special_[static_cast<std::size_t>(id)] != 0; }
  // Ids that random replacement may draw: no special, no [unusedN].
  const std::vector<std::int32_t>& replacement_ids() const { return replacement_ids_; }

 private:
  void find_special_tokens(const std::string& name_for_errors);

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>> ids_;
  std::vector<std::uint8_t> continuation_, special_;  // by id, 0 or 1: read for every token
  std::vector<std::int32_t> replacement_ids_;
  std::string sha256_;
  std::int32_t pad_ = -1, unknown_ = -1, cls_ = -1, sep_ = -1, mask_ = -1;
};

}  // namespace bertha
