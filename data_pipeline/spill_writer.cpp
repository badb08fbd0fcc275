// Appends batches to the spill files and describes their documents.
#include "data_pipeline/spill_writer.h"

#include <algorithm>
#include <fcntl.h>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/shards/shard_schema.h"

namespace bertha {

SpillPaths spill_paths(const std::filesystem::path& folder, std::size_t rank) {
  return {folder / fmt::format("spill-{:05}.tokens", rank),
          folder / fmt::format("spill-{:05}.sentences", rank)};
}

SpillWriter::SpillWriter(const SpillPaths& paths, const Vocabulary& vocabulary)
    : token_file_(open_file(paths.tokens, O_WRONLY | O_CREAT | O_TRUNC)),
      sentence_file_(open_file(paths.sentences, O_WRONLY | O_CREAT | O_TRUNC)),
      tokens_(token_file_.get(), paths.tokens.string(), 0),
      sentences_(sentence_file_.get(), paths.sentences.string(), 0),
      token_bytes_(token_bytes(vocabulary.size())),
      unknown_(vocabulary.unknown()) {}

void SpillWriter::add(const TokenizedBatch& batch) {
  add_tokens(batch.tokens);
  sentences_.append(batch.sentences.data(), batch.sentences.size() * sizeof(std::uint32_t));
  for (const std::uint32_t length : batch.sentences) {
    report_.longest_sentence_tokens =
        std::max<std::uint64_t>(report_.longest_sentence_tokens, length);
  }
  for (const auto& part : batch.parts) {
    document_sentences_ += part.sentences;
    document_tokens_ += part.tokens;
    if (part.ends_document) end_document(part.file);
  }
}

void SpillWriter::add_tokens(const std::vector<std::int32_t>& ids) {
  report_.unknown_tokens += static_cast<std::uint64_t>(std::ranges::count(ids, unknown_));
  if (token_bytes_ == 4) return tokens_.append(ids.data(), ids.size() * sizeof(std::int32_t));
  std::vector<std::uint16_t> narrow(ids.size());
  std::ranges::transform(ids, narrow.begin(),
                         [](std::int32_t id) { return static_cast<std::uint16_t>(id); });
  tokens_.append(narrow.data(), narrow.size() * sizeof(std::uint16_t));
}

void SpillWriter::end_document(std::size_t file) {
  const auto sentences = std::exchange(document_sentences_, 0);
  const auto tokens = std::exchange(document_tokens_, 0);
  if (tokens == 0) {
    ++report_.documents_without_tokens;
    return;
  }
  if (report_.files.empty() || report_.files.back().file != file)
    report_.files.push_back({file, 0});
  ++report_.files.back().documents;
  put_number(report_.documents, sentences);
  put_number(report_.documents, tokens);
}

SpillReport SpillWriter::finish(const ReadTotals& read) {
  tokens_.flush();
  sentences_.flush();
  report_.read = read;
  return std::move(report_);
}

}  // namespace bertha
