// Words from the scanner, pieces from the trie. There is no cache of words: the trie answers faster
// than a table of words that outgrows the second-level cache.
#include "data_pipeline/tokenizer/wordpiece.h"

#include "data_pipeline/tokenizer/piece_places.h"
#include "data_pipeline/tokenizer/piece_trie.h"
#include "data_pipeline/tokenizer/word_scanner.h"

namespace bertha {
namespace {

constexpr std::size_t kContinuationBytes = 2;  // "##"

}  // namespace

struct WordPiece::Model {
  Model(const Vocabulary& vocabulary, const TokenizerOptions& options)
      : table(CharacterTable::of(options)), trie(vocabulary) {}

  const CharacterTable& table;
  PieceTrie trie;
};

struct WordPiece::Scratch::State {
  WordBuffer buffer;
  std::vector<std::int32_t> word_ids;
};

WordPiece::Scratch::Scratch() : state_(std::make_unique<State>()) {}
WordPiece::Scratch::~Scratch() = default;
WordPiece::Scratch::Scratch(Scratch&&) noexcept = default;

WordPiece::WordPiece(const Vocabulary& vocabulary, const TokenizerOptions& options)
    : vocabulary_(vocabulary),
      options_(options),
      model_(std::make_unique<const Model>(vocabulary, options)) {}
WordPiece::~WordPiece() = default;

void WordPiece::encode(std::string_view utf8, std::vector<std::int32_t>& ids,
                       Scratch& scratch) const {
  WordScanner scanner(model_->table, utf8, scratch.state_->buffer);
  while (scanner.next()) model_->trie.split_word(scanner.word(), ids);
}

void WordPiece::encode_with_words(std::string_view utf8, std::vector<Piece>& pieces,
                                  Scratch& scratch) const {
  std::vector<std::int32_t>& ids = scratch.state_->word_ids;
  WordScanner scanner(model_->table, utf8, scratch.state_->buffer);
  for (std::uint32_t word = 0; scanner.next(); ++word) {
    ids.clear();
    model_->trie.split_word(scanner.word(), ids);
    for (const std::int32_t id : ids) pieces.push_back({id, word, scanner.begin(), scanner.end()});
  }
}

void WordPiece::encode_with_offsets(std::string_view utf8, std::vector<Piece>& pieces,
                                    Scratch& scratch) const {
  std::vector<std::int32_t>& ids = scratch.state_->word_ids;
  PiecePlaces places(model_->table);
  WordScanner scanner(model_->table, utf8, scratch.state_->buffer);
  for (std::uint32_t word = 0; scanner.next(); ++word) {
    ids.clear();
    model_->trie.split_word(scanner.word(), ids);
    const auto begin = scanner.begin(), end = scanner.end();
    if (ids.size() == 1) {  // [UNK] too
      pieces.push_back({ids.front(), word, begin, end});
      continue;
    }
    places.start(utf8.substr(begin, end - begin));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto bytes = vocabulary_.token(ids[i]).size() - (i > 0 ? kContinuationBytes : 0);
      const auto place = places.next(static_cast<std::uint32_t>(bytes));
      pieces.push_back({ids[i], word, begin + place.begin, begin + place.end});
    }
  }
}

}  // namespace bertha
