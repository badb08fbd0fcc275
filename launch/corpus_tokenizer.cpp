// Compares with the manifest what was given, and nothing that merely is a default.
#include "launch/corpus_tokenizer.h"

#include <string>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_checks.h"
#include "data_pipeline/shards/corpus_manifest.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr const char* kRemedy =
    "leave [tokenizer] out: a corpus brings its own; or make the corpus anew with it";

std::string vocabulary_text(const std::string& sha256, std::int32_t size) {
  return fmt::format("{} tokens, sha256 {}", size, sha256.substr(0, 12));
}

void check_vocabulary_given(const RunConfig& config, const CorpusManifest& manifest) {
  if (config.vocabulary.empty()) return;
  const auto given = load_vocabulary(config.vocabulary);  // the same one may lie anywhere
  if (given.sha256() == manifest.vocabulary_sha256) return;
  throw Error(ErrorKind::usage,
              fmt::format("tokenizer.vocab = {} ({}) is not the vocabulary that {} was made with "
                          "({})",
                          config.vocabulary.string(), vocabulary_text(given.sha256(), given.size()),
                          config.data.corpus.string(),
                          vocabulary_text(manifest.vocabulary_sha256, manifest.vocabulary_size)),
              kRemedy);
}

void check_flag(const RunConfig& config, const std::string& name, bool given, bool made_with) {
  if (given == made_with || !config.was_given(name)) return;
  throw Error(ErrorKind::usage,
              fmt::format("{} = {} was given, but {} was made with {} = {}", name, given,
                          config.data.corpus.string(), name, made_with),
              kRemedy);
}

}  // namespace

RunConfig with_corpus_tokenizer(RunConfig config) {
  std::error_code error;
  if (!std::filesystem::exists(config.data.corpus / "manifest.json", error)) return config;
  const auto manifest = CorpusManifest::from_folder(config.data.corpus);
  check_vocabulary_given(config, manifest);
  struct Flag {
    const char* name;
    bool TokenizerOptions::*value;
  };
  for (const auto [name, value] :
       {Flag{"tokenizer.lower_case", &TokenizerOptions::lower_case},
        {"tokenizer.strip_accents", &TokenizerOptions::strip_accents},
        {"tokenizer.chinese_characters", &TokenizerOptions::chinese_characters}}) {
    check_flag(config, name, config.tokenizer.*value, manifest.tokenizer.*value);
    config.resolved[name] = manifest.tokenizer.*value ? "true" : "false";
  }
  config.resolved["tokenizer.vocab"].clear();  // that of the corpus, wherever the file given lies
  return config;
}

}  // namespace bertha
