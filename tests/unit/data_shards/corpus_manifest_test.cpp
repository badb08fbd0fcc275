// The manifest as JSON: both ways, and whatever else may stand in the file.
#include "data_pipeline/shards/corpus_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sample_corpus.h"

namespace bertha {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

CorpusManifest sample() {
  CorpusManifest manifest{.vocabulary_sha256 = std::string(64, 'a'),
                          .vocabulary_size = 30522,
                          .tokenizer = {.lower_case = false, .strip_accents = true},
                          .splits = {},
                          .statistics = {{"skipped_empty", 3}, {"unknown_tokens", 17}}};
  manifest.splits["train"] = {.documents = 2,
                              .sentences = 5,
                              .tokens = std::uint64_t{1} << 40,
                              .shards = {{.file = "train-00000-of-00001.h5",
                                          .documents = 2,
                                          .sentences = 5,
                                          .tokens = std::uint64_t{1} << 40,
                                          .bytes = 4096,
                                          .checksum = std::string(64, 'b')}}};
  manifest.splits["validation"] = {};
  return manifest;
}

TEST(CorpusManifest, RoundTrip) {
  const auto manifest = sample();
  EXPECT_EQ(CorpusManifest::from_json(manifest.to_json(), "manifest.json"), manifest);
}

// What other programs read; contracts, "Corpus folder".
TEST(CorpusManifest, HasTheAgreedFields) {
  const auto json = Json::parse(sample().to_json());
  EXPECT_EQ(json.at("format"), "bertha-corpus");
  EXPECT_EQ(json.at("version"), 1);
  EXPECT_EQ(json.at("vocab_sha256"), std::string(64, 'a'));
  EXPECT_EQ(json.at("tokenizer").at("lower_case"), false);
  EXPECT_EQ(json.at("splits").at("train").at("documents"), 2);
  const auto& shard = json.at("splits").at("train").at("shards").at(0);
  EXPECT_EQ(shard.at("file"), "train-00000-of-00001.h5");
  EXPECT_EQ(shard.at("tokens"), std::uint64_t{1} << 40);
  EXPECT_EQ(shard.at("bytes"), 4096);
  EXPECT_EQ(shard.at("checksum"), std::string(64, 'b'));
}

void expect_refused(const std::string& text, const std::string& reason) {
  const auto error = error_of([&] { CorpusManifest::from_json(text, "m.json"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_data) << text.substr(0, 100);
  EXPECT_THAT(error.message(), HasSubstr("m.json")) << text.substr(0, 100);
  EXPECT_THAT(error.message(), HasSubstr(reason)) << text.substr(0, 100);
}

TEST(CorpusManifest, NoJson) {
  const std::string good = sample().to_json();
  for (const std::string& text :
       {std::string(), std::string("{"), good.substr(0, good.size() / 2), good + "x",
        std::string("\xff\xfe\0\0", 4), std::string(100000, '['),
        std::string("{\"format\": \"\xff\"}")}) {
    expect_refused(text, "");
  }
  expect_refused("[]", "is not an object");
  expect_refused("null", "is not an object");
  expect_refused("{}", "format is missing");
}

// Every field in turn is dropped, or holds something else.
TEST(CorpusManifest, EveryFieldIsChecked) {
  const auto good = Json::parse(sample().to_json());
  for (const char* pointer : {"/format",
                              "/version",
                              "/vocab_sha256",
                              "/vocab_size",
                              "/tokenizer",
                              "/tokenizer/lower_case",
                              "/tokenizer/strip_accents",
                              "/tokenizer/chinese_characters",
                              "/splits",
                              "/splits/train",
                              "/splits/train/documents",
                              "/splits/train/tokens",
                              "/splits/train/shards",
                              "/splits/train/shards/0",
                              "/splits/train/shards/0/file",
                              "/splits/train/shards/0/tokens",
                              "/splits/train/shards/0/bytes",
                              "/splits/train/shards/0/checksum",
                              "/statistics",
                              "/statistics/unknown_tokens"}) {
    const Json::json_pointer place(pointer);
    for (const Json& wrong : {Json(nullptr), Json(-1), Json(1.5), Json(1e300), Json::array({1})}) {
      auto json = good;
      json[place] = wrong;
      expect_refused(json.dump(), place.back() == "0" ? "[0]" : place.back());
    }
  }
  auto json = good;
  json["splits"]["train"].erase("sentences");
  expect_refused(json.dump(), "splits.train.sentences is missing");
  json = good;
  json["splits"]["train"]["shards"][0].erase("checksum");
  expect_refused(json.dump(), "splits.train.shards[0].checksum is missing");
}

TEST(CorpusManifest, RefusesOthersAndTheFuture) {
  auto json = Json::parse(sample().to_json());
  json["version"] = 2;
  expect_refused(json.dump(), "version = 2, but this program reads version 1");
  json["version"] = 1;
  json["format"] = "bertha-checkpoint";
  expect_refused(json.dump(), "format = 'bertha-checkpoint'");
  json["format"] = "bertha-corpus";
  json["vocab_size"] = std::uint64_t{1} << 40;
  expect_refused(json.dump(), "vocab_size");
}

TEST(CorpusManifest, ShardsLieInTheFolder) {
  for (const std::string name : {"../../etc/passwd", "/etc/passwd", "", ".", "..", "a/b.h5"}) {
    auto json = Json::parse(sample().to_json());
    json["splits"]["train"]["shards"][0]["file"] = name;
    expect_refused(json.dump(), "is no file name");
  }
}

TEST(CorpusManifest, KnowsACorpusFolder) {
  TemporaryFolder folder;
  EXPECT_FALSE(is_corpus_folder(folder.path()));
  EXPECT_FALSE(is_corpus_folder(folder / "no-such"));
  for (const std::string other : {"", "{", "[]", "{\"format\": 1}", "{\"format\": \"x\"}"}) {
    write_bytes(folder / "manifest.json", other);
    EXPECT_FALSE(is_corpus_folder(folder.path())) << other;
  }
  write_bytes(folder / "manifest.json", "{\"format\": \"bertha-corpus\", \"version\": 7}");
  EXPECT_TRUE(is_corpus_folder(folder.path()));
}

}  // namespace
}  // namespace bertha
