// Fills the manifest.
#include "data_pipeline/prepare/prepare_report.h"

#include <fmt/format.h>

#include "parallel/base/log.h"

namespace bertha {
namespace {

constexpr double kManyUnknown = 0.2;  // of all tokens

}  // namespace

CorpusManifest describe_corpus(const Vocabulary& vocabulary, const PrepareOptions& options,
                               const PrepareFindings& findings) {
  CorpusManifest manifest{.vocabulary_sha256 = vocabulary.sha256(),
                          .vocabulary_size = vocabulary.size(),
                          .tokenizer = options.tokenizer,
                          .word_boundaries = options.word_boundaries,
                          .splits = split_counts(findings.shards),
                          .statistics = {}};
  auto& statistics = manifest.statistics;
  findings.statistics.add_to(statistics);
  statistics["documents_without_tokens"] = findings.documents_without_tokens;
  if (options.drop_duplicates) statistics["duplicate_documents"] = findings.duplicates;
  const ReadStatistics& read = findings.read;
  statistics["replaced_bytes"] = read.replaced_bytes;
  statistics["skipped_redirects"] = read.skipped_redirects;
  statistics["skipped_namespaces"] = read.skipped_namespaces;
  statistics["skipped_empty"] = read.skipped_empty;
  statistics["skipped_malformed"] = read.skipped_malformed;
  statistics["malformed_not_json"] = read.malformed_not_json;
  statistics["malformed_without_field"] = read.malformed_without_field;
  statistics["malformed_not_text"] = read.malformed_not_text;
  statistics["malformed_too_long"] = read.malformed_too_long;
  return manifest;
}

void warn_of_unknown(const CorpusManifest& manifest) {
  std::uint64_t tokens = 0;
  for (const auto& [name, split] : manifest.splits) tokens += split.tokens;
  const double share =
      static_cast<double>(manifest.statistics.at("unknown_tokens")) / static_cast<double>(tokens);
  if (share < kManyUnknown) return;
  log_warning(
      fmt::format("{:.0f} % of the tokens are [UNK]: does the vocabulary fit the text's "
                  "language and letter case?",
                  100 * share));
}

}  // namespace bertha
