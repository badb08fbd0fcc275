// Checks the token list and finds the special tokens in it.
#include "data_pipeline/tokenizer/vocabulary.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "data_pipeline/tokenizer/utf8_decoder.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

constexpr std::array<std::string_view, 5> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                            "[MASK]"};

[[noreturn]] void refuse(const std::string& name, std::size_t id, const std::string& what) {
  throw Error(ErrorKind::bad_data, fmt::format("{}: token {} (line {}) {}", name, id, id + 1, what),
              "a vocabulary is UTF-8 text with one token a line, each once");
}

void check_token(std::string_view token, const std::string& name, std::size_t id) {
  if (token.empty()) refuse(name, id, "is empty");
  if (token.find_first_of("\r\n") != std::string_view::npos) refuse(name, id, "holds a line end");
  const auto* at = reinterpret_cast<const unsigned char*>(token.data());
  const auto* const end = at + token.size();
  while (at < end) {
    const DecodedCodePoint found = decode_code_point(at, end);
    if (found.value < 0) refuse(name, id, "is not valid UTF-8");
    at += found.bytes;
  }
}

// "[unused0]", "[unused993]": places that Google's vocabularies keep free.
bool is_unused(std::string_view token) {
  constexpr std::string_view kStart = "[unused";
  if (!token.starts_with(kStart) || token.back() != ']') return false;
  const auto number = token.substr(kStart.size(), token.size() - kStart.size() - 1);
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string for_message(std::string_view token) {
  return token.size() <= 60 ? std::string(token) : fmt::format("{} bytes long", token.size());
}

}  // namespace

Vocabulary Vocabulary::from_file(const std::filesystem::path& path) {
  return from_text(read_file(path), path.string());
}

Vocabulary Vocabulary::from_text(std::string_view text, const std::string& name_for_errors) {
  std::vector<std::string> tokens;
  while (!text.empty()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, line_end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    tokens.emplace_back(line);
    text.remove_prefix(std::min(line_end + 1, text.size()));
  }
  return Vocabulary(std::move(tokens), name_for_errors);
}

Vocabulary::Vocabulary(std::vector<std::string> tokens, const std::string& name_for_errors)
    : tokens_(std::move(tokens)) {
  if (tokens_.size() > static_cast<std::size_t>(kMaxTokens)) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: more than {} tokens", name_for_errors, kMaxTokens));
  }
  ids_.reserve(tokens_.size());
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    const std::string& token = tokens_[id];
    check_token(token, name_for_errors, id);
    const auto [place, is_new] = ids_.emplace(token, static_cast<std::int32_t>(id));
    if (!is_new) {
      refuse(name_for_errors, id,
             fmt::format("'{}' was token {} already", for_message(token), place->second));
    }
  }
  find_special_tokens(name_for_errors);
  for (std::int32_t id = 0; id < size(); ++id) {
    const std::string& text = token(id);
    continuation_.push_back(text.size() > 2 && text.starts_with("##") ? 1 : 0);
    if (!is_special(id) && !is_unused(text)) replacement_ids_.push_back(id);
  }
  sha256_ = sha256_hex(this->text());
}

void Vocabulary::find_special_tokens(const std::string& name_for_errors) {
  const std::array<std::int32_t*, 5> places = {&pad_, &unknown_, &cls_, &sep_, &mask_};
  special_.assign(tokens_.size(), 0);
  for (std::size_t i = 0; i < places.size(); ++i) {
    *places[i] = find(kSpecialTokens[i]);
    if (*places[i] < 0) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}: no {} among {} tokens", name_for_errors, kSpecialTokens[i],
                              tokens_.size()),
                  "a BERT vocabulary holds [PAD], [UNK], [CLS], [SEP] and [MASK]");
    }
    special_[static_cast<std::size_t>(*places[i])] = 1;
  }
}

std::int32_t Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? -1 : found->second;
}

std::string Vocabulary::text() const {
  std::string text;
  for (const std::string& token : tokens_) {
    text += token;
    text += '\n';
  }
  return text;
}

}  // namespace bertha
