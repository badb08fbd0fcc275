// [tokenizer] that was given against what a corpus was made with.
#include "launch/corpus_tokenizer.h"

#include <gmock/gmock.h>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CorpusTokenizer : public OptionTest {
 protected:
  // A cased corpus; of its files only the manifest is read.
  CorpusTokenizer() {
    const auto ours = vocabulary("vocab.txt", "word");
    CorpusManifest manifest;
    manifest.vocabulary_sha256 = ours.sha256();
    manifest.vocabulary_size = ours.size();
    manifest.tokenizer = {.lower_case = false, .strip_accents = false, .chinese_characters = true};
    write_file(folder_ / "manifest.json", manifest.to_json());
  }

  Vocabulary vocabulary(const std::string& file, const std::string& last) const {
    write_file(folder_ / file, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + last + "\n");
    return Vocabulary::from_file(folder_ / file);
  }

  RunConfig taken(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data.corpus", folder_.string()});
    return with_corpus_tokenizer(read(arguments));
  }

  std::string refusal(const std::vector<std::string>& arguments) const {
    try {
      taken(arguments);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message() + " | " + error.remedy();
    }
    return "no error";
  }
};

TEST_F(CorpusTokenizer, DefaultsAreNoContradictionAndTheCorpusIsRecorded) {
  vocabulary("elsewhere.txt", "word");
  const auto config = taken({"--tokenizer.vocab", (folder_ / "elsewhere.txt").string(),
                             "--tokenizer.strip_accents", "false"});
  EXPECT_EQ(config.resolved.at("tokenizer.lower_case"), "false");
  EXPECT_EQ(config.resolved.at("tokenizer.strip_accents"), "false");
  EXPECT_EQ(config.resolved.at("tokenizer.chinese_characters"), "true");
  EXPECT_EQ(config.resolved.at("tokenizer.vocab"), "");
  // What was recorded repeats the run.
  EXPECT_EQ(refusal({"--config", ini("resolved.ini", resolved_ini(config))}), "no error");
}

TEST_F(CorpusTokenizer, AnotherVocabularyIsNamedWithBothDigests) {
  const auto ours = vocabulary("vocab.txt", "word"), other = vocabulary("other.txt", "words");
  EXPECT_THAT(refusal({"--tokenizer.vocab", (folder_ / "other.txt").string()}),
              AllOf(HasSubstr("other.txt"), HasSubstr(ours.sha256().substr(0, 12)),
                    HasSubstr(other.sha256().substr(0, 12)), HasSubstr(folder_.string()),
                    HasSubstr("| leave [tokenizer] out")));
}

TEST_F(CorpusTokenizer, OtherSettingsAreNamedWithBothValues) {
  EXPECT_THAT(refusal({"--tokenizer.lower_case", "true"}),
              AllOf(HasSubstr("tokenizer.lower_case = true was given"),
                    HasSubstr("made with tokenizer.lower_case = false")));
  EXPECT_THAT(refusal({"--tokenizer.chinese_characters", "false"}),
              HasSubstr("tokenizer.chinese_characters = false was given"));
}

TEST_F(CorpusTokenizer, ForeignShardsTakeWhatIsGiven) {
  std::filesystem::remove(folder_ / "manifest.json");
  const auto config = taken({"--tokenizer.vocab", "vocab.txt", "--tokenizer.lower_case", "false"});
  EXPECT_EQ(config.resolved.at("tokenizer.vocab"), "vocab.txt");
  EXPECT_EQ(config.resolved.at("tokenizer.lower_case"), "false");
}

}  // namespace
}  // namespace bertha
