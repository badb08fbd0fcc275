// Counts tokens with capital letters.
#include "data_pipeline/tokenizer/tokenizer_settings.h"

#include <algorithm>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr double kLeastShare = 0.01;  // of the tokens: fewer were added by somebody for a purpose

bool has_capital(const std::string& token) {
  return !token.starts_with('[') &&
         std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_small(const std::string& token) {
  return !token.starts_with('[') &&
         std::any_of(token.begin(), token.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

std::string settings_text(const TokenizerOptions& options) {
  return fmt::format("lower_case {}, strip_accents {}, chinese_characters {}", options.lower_case,
                     options.strip_accents, options.chinese_characters);
}

std::string casing_doubt(const Vocabulary& vocabulary, const TokenizerOptions& options) {
  const auto& tokens = vocabulary.tokens();
  const auto least = kLeastShare * static_cast<double>(tokens.size());
  const auto capitals = std::count_if(tokens.begin(), tokens.end(), has_capital);
  if (options.lower_case && static_cast<double>(capitals) > least) {
    return fmt::format("{} of its {} tokens have capital letters, which lower-cased text never has",
                       capitals, tokens.size());
  }
  const auto small = std::count_if(tokens.begin(), tokens.end(), has_small);
  if (!options.lower_case && capitals == 0 && static_cast<double>(small) > least) {
    return fmt::format("none of its {} tokens has a capital letter, which cased text is full of",
                       tokens.size());
  }
  return "";
}

}  // namespace bertha
