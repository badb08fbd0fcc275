// Hands the tokens to the builder; walks the trie.
#include "data_pipeline/tokenizer/piece_trie.h"

#include <algorithm>

#include "data_pipeline/tokenizer/piece_trie_builder.h"
#include "data_pipeline/tokenizer/utf8_decoder.h"

namespace bertha {
namespace {

// Longer tokens never match: a word has at most 100 characters of four bytes.
constexpr std::size_t kMaxTokenBytes = PieceTrie::kMaxWordCharacters * 4;

}  // namespace

PieceTrie::PieceTrie(const Vocabulary& vocabulary) : unknown_(vocabulary.unknown()) {
  std::vector<PieceTrieBuilder::Piece> starts, continuations;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    if (token.size() > kMaxTokenBytes) continue;
    starts.push_back({token, id});
    if (vocabulary.is_continuation(id)) continuations.push_back({token.substr(2), id});
  }
  PieceTrieBuilder builder;
  for (auto* pieces : {&starts, &continuations}) {
    std::sort(pieces->begin(), pieces->end(),
              [](const auto& left, const auto& right) { return left.text < right.text; });
    builder.add(pieces == &starts ? kStartRoot : kContinuationRoot, *pieces);
  }
  nodes_ = builder.take();
}

PieceTrie::Match PieceTrie::longest(std::uint32_t root, std::string_view text) const {
  Match match{-1, 0};
  std::uint32_t node = root;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node = nodes_[node].first_child ^ byte;
    if (nodes_[node].byte() != byte) break;
    if (nodes_[node].id() >= 0) match = {nodes_[node].id(), i + 1};
  }
  return match;
}

void PieceTrie::split_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  const auto give_up = [&] {
    ids.resize(before);
    ids.push_back(unknown_);
  };
  if (word.size() > kMaxWordCharacters &&
      count_code_points(word.data(), word.size()) > kMaxWordCharacters) {
    return give_up();
  }
  std::uint32_t root = kStartRoot;
  while (!word.empty()) {
    const Match match = longest(root, word);
    if (match.id < 0) return give_up();
    ids.push_back(match.id);
    word.remove_prefix(match.bytes);
    root = kContinuationRoot;
  }
}

}  // namespace bertha
