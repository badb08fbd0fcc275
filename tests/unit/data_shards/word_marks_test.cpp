// Marks of words in shards: what is written is read, and what cannot be is named.
#include <array>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/shards/corpus_verifier.h"
#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_reader.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "sample_corpus.h"

namespace bertha {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Ideographs 5 to 8, a letter.
Vocabulary small_vocabulary() {
  return Vocabulary::from_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n中\n国\n人\n民\na\n", "test");
}

using Marks = std::vector<std::uint8_t>;

class ShardMarks : public ::testing::Test {
 protected:
  // Documents of the tokens, each of a sentence.
  ShardSummary write(const std::vector<std::vector<std::int32_t>>& documents, const Marks& marks) {
    std::uint64_t tokens = 0;
    for (const auto& document : documents) tokens += document.size();
    ShardWriter writer(path, {.documents = documents.size(),
                              .sentences = documents.size(),
                              .tokens = tokens,
                              .vocabulary_size = vocabulary.size(),
                              .vocabulary_sha256 = vocabulary.sha256(),
                              .has_word_marks = true});
    for (const auto& document : documents) {
      const std::array length{static_cast<std::uint32_t>(document.size())};
      writer.add_document(document, length);
    }
    const auto middle = marks.size() / 3;  // in any pieces
    writer.add_word_marks(std::span(marks).first(middle));
    writer.add_word_marks(std::span(marks).subspan(middle));
    return writer.finish();
  }
  void publish(const ShardSummary& shard, bool word_boundaries) {
    CorpusManifest manifest{.vocabulary_sha256 = vocabulary.sha256(),
                            .vocabulary_size = vocabulary.size(),
                            .tokenizer = {},
                            .word_boundaries = word_boundaries,
                            .splits = {},
                            .statistics = {}};
    manifest.splits["train"] = {shard.documents, shard.sentences, shard.tokens, {shard}};
    write_tokenizer_files(folder.path(), vocabulary, manifest.tokenizer, 512);
    write_bytes(folder / "manifest.json", manifest.to_json());
    EXPECT_EQ(CorpusManifest::from_folder(folder.path()), manifest);
  }
  std::vector<std::string> faults() { return verify_corpus(folder.path(), {}).faults; }

  TemporaryFolder folder;
  std::filesystem::path path = folder / "train-00000-of-00001.h5";
  Vocabulary vocabulary = small_vocabulary();
};

const std::vector<std::vector<std::int32_t>> kDocuments{{5, 6, 9, 7, 8, 5, 5}, {6, 7, 8, 8}};
const Marks kMarks{0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1};

TEST_F(ShardMarks, AreReadAsWritten) {
  publish(write(kDocuments, kMarks), true);
  EXPECT_THAT(faults(), IsEmpty());
  const ShardReader shard(path);
  ASSERT_TRUE(shard.has_word_marks());
  for (std::uint64_t begin = 0; begin <= kMarks.size(); ++begin) {
    for (auto end = begin; end <= kMarks.size(); ++end) {
      Marks found{7};
      shard.copy_word_marks(begin, end, found);
      Marks wanted{7};
      wanted.insert(wanted.end(), kMarks.begin() + static_cast<std::ptrdiff_t>(begin),
                    kMarks.begin() + static_cast<std::ptrdiff_t>(end));
      ASSERT_EQ(found, wanted) << begin << " " << end;
    }
  }
  Marks none;
  EXPECT_THROW(shard.copy_word_marks(3, kMarks.size() + 1, none), Error);
  const Corpus corpus(folder.path(), "train", VerifyLevel::full);
  EXPECT_TRUE(corpus.has_word_marks());
  EXPECT_EQ(corpus.token_of(1, 7), 6);
  EXPECT_EQ(corpus.token_of(1, 10), 8);
  EXPECT_FALSE(corpus.token_of(1, 6) || corpus.token_of(1, 11) || corpus.token_of(0, UINT64_MAX));
}

TEST_F(ShardMarks, AreOneATokenOrNone) {
  EXPECT_THROW(write(kDocuments, {0, 1}), Error);
  EXPECT_THROW(write(kDocuments, Marks(12, 0)), Error);
  const auto summary = write_shard(path, {{{5, 6}}}, vocabulary);
  const ShardReader shard(path);
  EXPECT_FALSE(shard.has_word_marks());
  Marks none;
  EXPECT_THROW(shard.copy_word_marks(0, 1, none), Error);
  EXPECT_EQ(shard.compute_checksum(), summary.checksum);
}

TEST_F(ShardMarks, WhereNoWordCanGoOnAreNamed) {
  struct Case {
    std::size_t token;
    const char* where;
  };
  for (const auto& [token, where] : {Case{0, "first [0] (id 5)"}, Case{2, "first [2] (id 9)"},
                                     Case{3, "first [3] (id 7)"}, Case{7, "first [7] (id 6)"}}) {
    auto marks = kMarks;
    marks[token] = 1;
    publish(write(kDocuments, marks), true);
    EXPECT_THAT(faults(), ElementsAre(HasSubstr(where)));
  }
}

TEST_F(ShardMarks, ThatWereChangedAreFound) {
  publish(write(kDocuments, kMarks), true);
  const auto address = Hdf5File::open(path).dataset(kWordsDataset).address;
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(address + 1))
      .put(static_cast<char>(0xFD));  // of three tokens
  EXPECT_THAT(faults(), Contains(HasSubstr("checksum: the data gives")));
  EXPECT_THAT(faults(), Contains(HasSubstr("word_continues: bits behind the last token are set")));
}

TEST_F(ShardMarks, AreInAllShardsOrInNone) {
  publish(write(kDocuments, kMarks), false);
  EXPECT_THAT(faults(),
              Contains(HasSubstr("word_continues: is there, but word_boundaries is false")));
  EXPECT_THROW(Corpus(folder.path(), "train", VerifyLevel::off), Error);
  publish(write_shard(path, {{{5, 6}}}, vocabulary), true);
  EXPECT_THAT(faults(),
              Contains(HasSubstr("word_continues: missing, but word_boundaries is true")));
  EXPECT_THROW(Corpus(folder.path(), "train", VerifyLevel::off), Error);
}

}  // namespace
}  // namespace bertha
