// Greedy longest match, unknown and long words, places. Expected ids follow by hand from the rule.
#include "data_pipeline/tokenizer/wordpiece.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Ids = std::vector<std::int32_t>;

const std::string kSpecials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
constexpr std::int32_t kUnknown = 1;

class Tokenizer {
 public:
  explicit Tokenizer(const std::string& tokens, const TokenizerOptions& options = {})
      : vocabulary_(Vocabulary::from_text(kSpecials + tokens, "test")),
        wordpiece_(vocabulary_, options) {}

  Ids encode(std::string_view text) { return encode(text, scratch_); }
  Ids encode(std::string_view text, WordPiece::Scratch& scratch) const {
    Ids ids;
    wordpiece_.encode(text, ids, scratch);
    return ids;
  }
  std::vector<std::string> tokens(std::string_view text) {
    std::vector<std::string> result;
    for (const std::int32_t id : encode(text)) result.push_back(vocabulary_.token(id));
    return result;
  }
  const WordPiece& wordpiece() const { return wordpiece_; }

 private:
  Vocabulary vocabulary_;
  WordPiece wordpiece_;
  WordPiece::Scratch scratch_;
};

TEST(WordPiece, TakesTheLongestPieces) {
  Tokenizer tokenizer("un\n##aff\n##able\n##a\nwant\n##want\n##ed\nrunn\n##ing\n");
  EXPECT_THAT(tokenizer.tokens("UNwantéd running"),
              ElementsAre("un", "##want", "##ed", "runn", "##ing"));
  EXPECT_THAT(tokenizer.tokens("unaffable"), ElementsAre("un", "##aff", "##able"));
  EXPECT_THAT(tokenizer.tokens("want"), ElementsAre("want"));
  EXPECT_THAT(tokenizer.tokens(""), IsEmpty());
}

TEST(WordPiece, NeverTakesBackAPiece) {
  Tokenizer tokenizer("ab\nabc\n##cd\n##d\nx\n");
  EXPECT_THAT(tokenizer.tokens("abcd"), ElementsAre("abc", "##d"));
  EXPECT_THAT(tokenizer.tokens("abccd"), ElementsAre("abc", "##cd"));
  Tokenizer without("ab\nabc\n##cd\n");
  EXPECT_THAT(without.tokens("abcd"), ElementsAre("[UNK]"));  // though ab ##cd would do
}

TEST(WordPiece, OneUnknownPieceMakesTheWordUnknown) {
  Tokenizer tokenizer("un\n##want\nx\n.\n");
  EXPECT_THAT(tokenizer.tokens("unwanted x."), ElementsAre("[UNK]", "x", "."));
  EXPECT_THAT(tokenizer.tokens("want"), ElementsAre("[UNK]"));  // only as a continuation
  EXPECT_THAT(tokenizer.tokens("xun"), ElementsAre("[UNK]"));
  EXPECT_THAT(tokenizer.tokens("日 x"), ElementsAre("[UNK]", "x"));
}

TEST(WordPiece, SpelledOutSpecialTokensAreText) {
  Tokenizer tokenizer("[\n]\nmask\nun\n##k\n");
  EXPECT_THAT(tokenizer.tokens("[MASK][UNK]"),
              ElementsAre("[", "mask", "]", "[", "un", "##k", "]"));
  Tokenizer cased("[\n]\nMASK\n", {.lower_case = false, .strip_accents = false});
  EXPECT_THAT(cased.tokens("[MASK]"), ElementsAre("[", "MASK", "]"));
}

TEST(WordPiece, HashSignsInTextContinueNothing) {
  Tokenizer tokenizer("a\n##a\n#\n");
  EXPECT_THAT(tokenizer.tokens("##a a#a"), ElementsAre("#", "#", "a", "a", "#", "a"));
}

TEST(WordPiece, WordsOverAHundredCharactersAreUnknown) {
  Tokenizer tokenizer("a\n##a\ne\n##e\n\U0001D400\n##\U0001D400\n");
  EXPECT_EQ(tokenizer.encode(std::string(100, 'a')).size(), 100U);
  EXPECT_EQ(tokenizer.encode(std::string(101, 'a')), Ids{kUnknown});
  EXPECT_EQ(tokenizer.encode(std::string(1 << 20, 'a')), Ids{kUnknown});
  std::string accents, wide;
  for (int i = 0; i < 100; ++i) {
    accents += "e\u0301";
    wide += "\U0001D400";
  }
  EXPECT_EQ(tokenizer.encode(accents).size(), 100U);  // normalised characters count
  EXPECT_EQ(tokenizer.encode(accents + "e"), Ids{kUnknown});
  EXPECT_EQ(tokenizer.encode(wide).size(), 100U);  // characters count, not bytes
  EXPECT_EQ(tokenizer.encode(wide + "a"), Ids{kUnknown});
}

TEST(WordPiece, AppendsToWhatIsThere) {
  Tokenizer tokenizer("a\nb\n");
  Ids ids = {42};
  WordPiece::Scratch scratch;
  tokenizer.wordpiece().encode("a b", ids, scratch);
  tokenizer.wordpiece().encode("b", ids, scratch);
  EXPECT_THAT(ids, ElementsAre(42, 5, 6, 6));
}

TEST(WordPiece, TellsWordsAndPlaces) {
  Tokenizer tokenizer("un\n##want\n##ed\n,\nx\n");
  WordPiece::Scratch scratch;
  std::vector<WordPiece::Piece> pieces;
  tokenizer.wordpiece().encode_with_words(" Unwantéd,x", pieces, scratch);
  std::vector<std::vector<std::uint32_t>> found;
  for (const auto& piece : pieces) {
    found.push_back({static_cast<std::uint32_t>(piece.id), piece.word, piece.begin, piece.end});
  }
  using Row = std::vector<std::uint32_t>;
  EXPECT_THAT(found, ElementsAre(Row{5, 0, 1, 10}, Row{6, 0, 1, 10}, Row{7, 0, 1, 10},
                                 Row{8, 1, 10, 11}, Row{9, 2, 11, 12}));
}

TEST(WordPiece, OneScratchServesSeveralTokenizers) {
  WordPiece::Scratch scratch;
  const Tokenizer first("a\nb\n"), second("b\na\n");
  const Tokenizer cased("A\na\n", {.lower_case = false});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(first.encode("a A", scratch), (Ids{5, 5}));
    EXPECT_EQ(second.encode("a A", scratch), (Ids{6, 6}));
    EXPECT_EQ(cased.encode("a A", scratch), (Ids{6, 5}));
  }
  {
    const Tokenizer gone("x\na\n");
    EXPECT_EQ(gone.encode("a", scratch), Ids{6});
  }
  const Tokenizer next("x\ny\na\n");
  EXPECT_EQ(next.encode("a", scratch), Ids{7});
}

// Every letter is a piece of its own: words of 1 to 30.
TEST(WordPiece, ManyRandomWords) {
  std::string tokens;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    tokens += std::string(1, letter) + "\n##" + letter + "\n";
  }
  Tokenizer tokenizer(tokens);
  std::mt19937 random(7);
  std::string text;
  Ids expected;
  for (int word = 0; word < 50'000; ++word) {
    const std::size_t length = 1 + random() % 30;
    for (std::size_t i = 0; i < length; ++i) {
      const auto letter = static_cast<int>(random() % 26);
      text += static_cast<char>('a' + letter);
      expected.push_back(5 + 2 * letter + (i > 0 ? 1 : 0));
    }
    text += ' ';
  }
  EXPECT_EQ(tokenizer.encode(text), expected);
  EXPECT_EQ(tokenizer.encode(text), expected);
}

TEST(WordPiece, BothWaysToEncodeAgreeOnRandomBytes) {
  Tokenizer tokenizer("a\n##a\n.\n中\né\ne\n##e\n");
  const std::vector<std::string> parts = {"a",      "aa",   "E",   "é", ".",    " ",
                                          "中",     "\xff", "\n",  "e", "\xe4", "\u0301",
                                          "\u1B44", "한",   "aea", "  "};
  std::mt19937 random(11);
  WordPiece::Scratch scratch;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t i = random() % 20; i > 0; --i) text += parts[random() % parts.size()];
    std::vector<WordPiece::Piece> pieces;
    tokenizer.wordpiece().encode_with_words(text, pieces, scratch);
    Ids ids;
    for (const auto& piece : pieces) {
      ids.push_back(piece.id);
      EXPECT_LT(piece.begin, piece.end);
      EXPECT_LE(piece.end, text.size());
    }
    EXPECT_EQ(ids, tokenizer.encode(text)) << text;
  }
}

}  // namespace
}  // namespace bertha
