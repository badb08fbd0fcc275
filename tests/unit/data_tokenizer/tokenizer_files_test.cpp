// Tokenizer files: written, read back, and damaged in every way one can think of.
#include "data_pipeline/tokenizer/tokenizer_files.h"

#include <filesystem>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

const std::string kText = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##\"\\\n中\n";

class TokenizerFiles : public ::testing::Test {
 protected:
  TokenizerFiles()
      : folder_(fs::temp_directory_path() / ("bertha-tokenizer-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TokenizerFiles() override { fs::remove_all(folder_); }

  void write(const TokenizerOptions& options) {
    write_tokenizer_files(folder_, Vocabulary::from_text(kText, "test"), options, 128);
  }
  void put(const std::string& name, std::string_view bytes) { write_file(folder_ / name, bytes); }
  json get(const std::string& name) { return json::parse(read_file(folder_ / name)); }

  // What reading the options or, without a vocab.txt, the vocabulary refuses.
  std::string options_refusal(std::string_view config) {
    put("tokenizer_config.json", config);
    return refusal([&] { read_tokenizer_options(folder_); });
  }
  std::string vocabulary_refusal(std::string_view tokenizer) {
    put("tokenizer.json", tokenizer);
    return refusal([&] { read_vocabulary(folder_); });
  }
  template <class Read>
  static std::string refusal(Read read) {
    try {
      read();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_LT(error.message().size(), 400U);
      return error.message();
    }
    return "accepted";
  }

  fs::path folder_;
};

TEST_F(TokenizerFiles, ComeBackAsWritten) {
  for (int bits = 0; bits < 8; ++bits) {
    const TokenizerOptions options{.lower_case = (bits & 1) != 0,
                                   .strip_accents = (bits & 2) != 0,
                                   .chinese_characters = (bits & 4) != 0};
    write(options);
    EXPECT_EQ(read_tokenizer_options(folder_), options);
    EXPECT_EQ(read_file(folder_ / "vocab.txt"), kText);
    EXPECT_EQ(read_vocabulary(folder_).text(), kText);
    fs::remove(folder_ / "vocab.txt");
    EXPECT_EQ(read_vocabulary(folder_).text(), kText);
  }
}

TEST_F(TokenizerFiles, HoldWhatTransformersExpects) {
  write({.lower_case = true, .strip_accents = false, .chinese_characters = true});
  const json tokenizer = get("tokenizer.json");
  EXPECT_EQ(tokenizer["version"], "1.0");
  EXPECT_EQ(tokenizer["model"]["vocab"]["##\"\\"], 6);
  EXPECT_EQ(tokenizer["model"]["vocab"].size(), 8U);
  EXPECT_EQ(tokenizer["model"]["max_input_chars_per_word"], 100);
  EXPECT_EQ(tokenizer["normalizer"]["strip_accents"], false);
  EXPECT_EQ(tokenizer["normalizer"]["lowercase"], true);
  EXPECT_EQ(tokenizer["added_tokens"].size(), 5U);
  EXPECT_EQ(tokenizer["added_tokens"][4]["content"], "[MASK]");
  EXPECT_EQ(tokenizer["post_processor"]["pair"].size(), 5U);
  EXPECT_EQ(tokenizer["post_processor"]["special_tokens"]["[SEP]"]["ids"], json::array({3}));
  const json config = get("tokenizer_config.json");
  EXPECT_EQ(config["model_max_length"], 128);
  EXPECT_EQ(config["tokenizer_class"], "BertTokenizer");
  EXPECT_EQ(config["do_lower_case"], true);
}

TEST_F(TokenizerFiles, OptionsHaveTransformersDefaults) {
  EXPECT_EQ(read_tokenizer_options(folder_), TokenizerOptions{});
  put("tokenizer_config.json", "{}");
  EXPECT_EQ(read_tokenizer_options(folder_), TokenizerOptions{});
  put("tokenizer_config.json", R"({"do_lower_case": false, "strip_accents": null})");
  EXPECT_EQ(read_tokenizer_options(folder_),
            (TokenizerOptions{.lower_case = false, .strip_accents = false}));
  put("tokenizer_config.json", R"({"do_lower_case": false, "strip_accents": true})");
  EXPECT_EQ(read_tokenizer_options(folder_), TokenizerOptions{.lower_case = false});
}

TEST_F(TokenizerFiles, DamagedOptionsAreNamed) {
  const auto named = HasSubstr((folder_ / "tokenizer_config.json").string());
  EXPECT_THAT(options_refusal(""), named);
  EXPECT_THAT(options_refusal("{"), named);
  EXPECT_THAT(options_refusal("[]"), HasSubstr("array"));
  EXPECT_THAT(options_refusal("\xff\xfe{"), named);
  EXPECT_THAT(options_refusal(R"({"do_lower_case": "yes"})"), HasSubstr("do_lower_case"));
  EXPECT_THAT(options_refusal(R"({"strip_accents": 1})"), HasSubstr("strip_accents"));
  EXPECT_THAT(options_refusal("{\"a\": \"\xc0\x80\"}"), named);
  EXPECT_THAT(options_refusal("{\"a\": 1e999}"), named);
  EXPECT_THAT(options_refusal(std::string(1 << 20, '[')), named);
}

TEST_F(TokenizerFiles, DamagedVocabulariesAreNamed) {
  const auto named = HasSubstr((folder_ / "tokenizer.json").string());
  const auto model = [](std::string_view vocabulary) {
    return R"({"model": {"type": "WordPiece", "vocab": )" + std::string(vocabulary) + "}}";
  };
  EXPECT_THAT(vocabulary_refusal(""), named);
  EXPECT_THAT(vocabulary_refusal("{}"), HasSubstr("model"));
  EXPECT_THAT(vocabulary_refusal(R"({"model": 7})"), HasSubstr("model"));
  EXPECT_THAT(vocabulary_refusal(R"({"model": {"type": "BPE", "vocab": {}}})"),
              HasSubstr("WordPiece"));
  EXPECT_THAT(vocabulary_refusal(model("[]")), HasSubstr("vocab"));
  EXPECT_THAT(vocabulary_refusal(model("{}")), HasSubstr("no [PAD]"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": 1})")), HasSubstr("an id is 1"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": -1})")), HasSubstr("an id is -1"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": 0.5})")), HasSubstr("an id is 0.5"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": "\u0000"})")), HasSubstr("an id is"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": [[]]})")), HasSubstr("an id is array"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": 18446744073709551615})")), HasSubstr("an id is"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"a": 0, "b": 0})")), HasSubstr("id 0 twice"));
  EXPECT_THAT(vocabulary_refusal(model(R"({"": 0})")), HasSubstr("empty"));
}

TEST_F(TokenizerFiles, EveryTruncationIsBadData) {
  write({});
  fs::remove(folder_ / "vocab.txt");
  const std::string whole = read_file(folder_ / "tokenizer.json");
  const std::size_t end = whole.rfind('}');
  for (std::size_t bytes = 0; bytes <= end; bytes += 101) {
    EXPECT_THAT(vocabulary_refusal(whole.substr(0, bytes)), HasSubstr("tokenizer.json")) << bytes;
  }
}

TEST_F(TokenizerFiles, MissingFolderIsAnInputError) {
  for (const fs::path& folder : {folder_, fs::path("/nowhere")}) {
    try {
      read_vocabulary(folder);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.message(), HasSubstr(folder.string()));
    }
  }
  EXPECT_THROW(write_tokenizer_files("/nowhere", Vocabulary::from_text(kText, "t"), {}, 128),
               Error);
}

}  // namespace
}  // namespace bertha
