// The manifest as JSON. Whatever stands in the file ends in a manifest or an Error.
#include "data_pipeline/shards/corpus_manifest.h"

#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/shards/nested_data.h"
#include "data_pipeline/shards/shard_schema.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr char kManifestName[] = "manifest.json";
constexpr std::uint64_t kLargestManifest = std::uint64_t{1} << 28;

// A value with the way to it, so that errors name the field.
class Field {
 public:
  Field(const Json& json, std::string file, std::string name)
      : json_(json), file_(std::move(file)), name_(std::move(name)) {}

  Field at(const std::string& key) const {
    const std::string name = name_.empty() ? key : name_ + "." + key;
    if (!json_.is_object()) fail("is not an object");
    const auto found = json_.find(key);
    if (found == json_.end()) Field(json_, file_, name).fail("is missing");
    return {*found, file_, name};
  }
  Field at(std::size_t index) const {
    return {json_.at(index), file_, fmt::format("{}[{}]", name_, index)};
  }
  std::size_t size() const {
    if (!json_.is_array()) fail("is not a list");
    return json_.size();
  }
  std::vector<std::string> keys() const {
    if (!json_.is_object()) fail("is not an object");
    std::vector<std::string> keys;
    for (const auto& [key, value] : json_.items()) keys.push_back(key);
    return keys;
  }
  bool has(const std::string& key) const { return json_.is_object() && json_.contains(key); }
  std::uint64_t number() const {
    if (!json_.is_number_integer() || (json_.is_number_integer() && !json_.is_number_unsigned())) {
      fail("is not a whole number");
    }
    return json_.get<std::uint64_t>();
  }
  std::string text() const {
    if (!json_.is_string()) fail("is not text");
    return json_.get<std::string>();
  }
  bool flag() const {
    if (!json_.is_boolean()) fail("is not true or false");
    return json_.get<bool>();
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: {} {}", file_, name_.empty() ? "the content" : name_, what),
                "restore it from a good copy, or make the corpus anew");
  }

 private:
  const Json& json_;
  std::string file_, name_;
};

Json shard_to_json(const ShardSummary& shard) {
  return {{"file", shard.file},     {"documents", shard.documents}, {"sentences", shard.sentences},
          {"tokens", shard.tokens}, {"bytes", shard.bytes},         {"checksum", shard.checksum}};
}

// The file must lie in the corpus folder: a manifest must not point elsewhere.
std::string file_name(const Field& field) {
  const std::string name = field.text();
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos ||
      name.find('\0') != name.npos) {
    field.fail("= '" + name + "' is no file name");
  }
  return name;
}

SplitCounts split_from_json(const Field& json) {
  SplitCounts split{.documents = json.at("documents").number(),
                    .sentences = json.at("sentences").number(),
                    .tokens = json.at("tokens").number(),
                    .shards = {}};
  const Field shards = json.at("shards");
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const Field shard = shards.at(i);
    split.shards.push_back({.file = file_name(shard.at("file")),
                            .documents = shard.at("documents").number(),
                            .sentences = shard.at("sentences").number(),
                            .tokens = shard.at("tokens").number(),
                            .bytes = shard.at("bytes").number(),
                            .checksum = shard.at("checksum").text()});
  }
  return split;
}

void check_version(const Field& json) {
  if (const auto format = json.at("format").text(); format != kCorpusFormat) {
    json.at("format").fail(fmt::format("= '{}', not '{}'", format, kCorpusFormat));
  }
  if (const auto version = json.at("version").number(); version != kCorpusVersion) {
    json.at("version").fail(
        fmt::format("= {}, but this program reads version {}", version, kCorpusVersion));
  }
}

}  // namespace

std::string CorpusManifest::to_json() const {
  Json json{{"format", kCorpusFormat},
            {"version", kCorpusVersion},
            {"vocab_sha256", vocabulary_sha256},
            {"vocab_size", vocabulary_size},
            {"tokenizer",
             {{"lower_case", tokenizer.lower_case},
              {"strip_accents", tokenizer.strip_accents},
              {"chinese_characters", tokenizer.chinese_characters}}}};
  if (word_boundaries) json["word_boundaries"] = true;
  json["splits"] = Json::object();
  for (const auto& [name, split] : splits) {
    Json shards = Json::array();
    for (const ShardSummary& shard : split.shards) shards.push_back(shard_to_json(shard));
    json["splits"][name] = {{"documents", split.documents},
                            {"sentences", split.sentences},
                            {"tokens", split.tokens},
                            {"shards", std::move(shards)}};
  }
  json["statistics"] = Json::object();
  for (const auto& [name, value] : statistics) json["statistics"][name] = value;
  return json.dump(2) + "\n";
}

CorpusManifest CorpusManifest::from_json(const std::string& text,
                                         const std::string& name_for_errors) {
  Json parsed;
  try {
    parsed = Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_data, name_for_errors + ": not JSON: " + error.what(),
                "restore it from a good copy, or make the corpus anew");
  }
  const Field json(parsed, name_for_errors, "");
  check_version(json);
  CorpusManifest manifest;
  manifest.vocabulary_sha256 = json.at("vocab_sha256").text();
  const std::uint64_t size = json.at("vocab_size").number();
  if (size == 0 || size > INT32_MAX) json.at("vocab_size").fail(fmt::format("= {}", size));
  manifest.vocabulary_size = static_cast<std::int32_t>(size);
  const Field tokenizer = json.at("tokenizer");
  manifest.tokenizer = {.lower_case = tokenizer.at("lower_case").flag(),
                        .strip_accents = tokenizer.at("strip_accents").flag(),
                        .chinese_characters = tokenizer.at("chinese_characters").flag()};
  manifest.word_boundaries = json.has("word_boundaries") && json.at("word_boundaries").flag();
  const Field splits = json.at("splits");
  for (const std::string& name : splits.keys()) {
    manifest.splits[name] = split_from_json(splits.at(name));
  }
  const Field statistics = json.at("statistics");
  for (const std::string& name : statistics.keys()) {
    manifest.statistics[name] = statistics.at(name).number();
  }
  return manifest;
}

CorpusManifest CorpusManifest::from_folder(const fs::path& corpus) {
  const fs::path path = corpus / kManifestName;
  std::error_code error;
  if (fs::is_directory(corpus, error) && !fs::exists(path, error)) {
    const auto nested = nested_data_text(corpus);
    throw Error(
        ErrorKind::bad_data, corpus.string() + " is no corpus: it has no manifest.json" + nested,
        nested.empty() ? "make one with `bertha prepare`" : "name the folder that holds the data");
  }
  const std::uint64_t bytes = fs::file_size(path, error);
  if (!error && bytes > kLargestManifest) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: {} bytes are too many for a manifest", path.string(), bytes));
  }
  return from_json(read_file(path), path.string());
}

std::string CorpusManifest::digest() const {
  Sha256 hash;
  hash.update(fmt::format("{} {} {} {}{}{}\n", kCorpusFormat, kCorpusVersion, vocabulary_sha256,
                          tokenizer.lower_case, tokenizer.strip_accents,
                          tokenizer.chinese_characters));
  for (const auto& [name, split] : splits) {
    hash.update(fmt::format("{} {}\n", name, split.shards.size()));
    for (const ShardSummary& shard : split.shards) hash.update(shard.checksum + "\n");
  }
  return hash.hex();
}

bool is_corpus_folder(const fs::path& folder) {
  std::error_code error;
  const fs::path path = folder / kManifestName;
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error || bytes > kLargestManifest) return false;
  const Json json = Json::parse(read_file(path), nullptr, false);
  return json.is_object() && json.contains("format") && json["format"] == kCorpusFormat;
}

}  // namespace bertha
