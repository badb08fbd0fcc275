// Checks of one shard, each fault in a line.
#include "data_pipeline/shards/shard_checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/tokenizer/ideographs.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

// Begin of a document or sentence: names the offset that does not ascend. `begin` may throw for a
// value beyond the end.
template <class Begin>
void check_ascending(const std::string& name, const char* dataset, std::uint64_t count,
                     Begin&& begin, std::vector<std::string>& faults) {
  std::uint64_t before = begin(0);
  std::uint64_t wrong = 0, first = 0;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const std::uint64_t here = begin(i);
    if (here <= before && wrong++ == 0) first = i;
    before = here;
  }
  if (wrong == 0) return;
  faults.push_back(fmt::format("{}: {}: {} value(s) do not ascend, first [{}] = {} after {}", name,
                               dataset, wrong, first, begin(first), begin(first - 1)));
}

void check_ids(const std::string& name, const ShardReader& shard, const Vocabulary& vocabulary,
               ContentFindings& findings) {
  constexpr std::uint64_t kBlock = 1 << 20;
  std::vector<std::int32_t> ids;
  std::uint64_t out_of_range = 0, special = 0, first_wrong = 0;
  std::int32_t wrong_id = 0;
  for (std::uint64_t begin = 0; begin < shard.tokens(); begin += kBlock) {
    ids.clear();
    shard.copy_tokens(begin, std::min(begin + kBlock, shard.tokens()), ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int32_t id = ids[i];
      const bool outside = id < 0 || id >= vocabulary.size();
      findings.unknown_tokens += id == vocabulary.unknown();
      if (!outside && (id == vocabulary.unknown() || !vocabulary.is_special(id))) continue;
      if (out_of_range + special == 0) {
        first_wrong = begin + i;
        wrong_id = id;
      }
      ++(outside ? out_of_range : special);
    }
  }
  if (out_of_range + special == 0) return;
  findings.faults.push_back(fmt::format(
      "{}: {}: {} id(s) beyond the vocabulary of {} and {} special id(s), first [{}] = {}", name,
      kTokensDataset, out_of_range, vocabulary.size(), special, first_wrong,
      static_cast<std::uint32_t>(wrong_id)));
}

// A mark says that two ideographs of a document are of a word. Which words there are depends on the
// dictionary that they were found with, and is not looked at.
void check_marks(const std::string& name, const ShardReader& shard, const Vocabulary& vocabulary,
                 ContentFindings& findings) {
  constexpr std::uint64_t kBlock = 1 << 20;
  const auto ideographs = ideographs_of(vocabulary);
  const auto is_ideograph = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < ideographs.size() &&
           ideographs[static_cast<std::size_t>(id)] != 0;
  };
  std::vector<std::uint8_t> marks;
  std::uint64_t wrong = 0, first_wrong = 0, document = 0, document_begin = 0;
  for (std::uint64_t t = 0; t < shard.tokens(); ++t) {
    if (t % kBlock == 0) {
      marks.clear();
      shard.copy_word_marks(t, std::min(t + kBlock, shard.tokens()), marks);
    }
    while (document_begin < t && document < shard.documents()) {
      document_begin = shard.sentence_begin(shard.document_begin(++document));
    }
    if (marks[t % kBlock] == 0) continue;
    const bool is_first = t == 0 || t == document_begin;
    if (!is_first && is_ideograph(shard.token(t)) && is_ideograph(shard.token(t - 1))) continue;
    if (wrong++ == 0) first_wrong = t;
  }
  if (wrong == 0) return;
  findings.faults.push_back(fmt::format(
      "{}: {}: {} token(s) go on with a word, but are not two ideographs of a document, "
      "first [{}] (id {})",
      name, kWordsDataset, wrong, first_wrong, shard.token(first_wrong)));
}

}  // namespace

std::vector<std::string> mark_faults(const ShardReader& shard, bool promised) {
  if (shard.has_word_marks() == promised) return {};
  return {fmt::format("{}: {}: {}, but word_boundaries is {} in the manifest",
                      shard.path().string(), kWordsDataset, promised ? "missing" : "is there",
                      promised)};
}

std::vector<std::string> manifest_faults(const ShardReader& shard, const ShardSummary& promised,
                                         const std::string& vocabulary_sha256) {
  std::vector<std::string> faults;
  const std::string name = shard.path().string();
  const auto compare = [&](const char* item, std::uint64_t is, std::uint64_t said) {
    if (is != said) faults.push_back(fmt::format("{}: {}: {}, manifest: {}", name, item, is, said));
  };
  compare("documents", shard.documents(), promised.documents);
  compare("sentences", shard.sentences(), promised.sentences);
  compare("tokens", shard.tokens(), promised.tokens);
  if (shard.vocabulary_sha256() != vocabulary_sha256) {
    faults.push_back(fmt::format("{}: vocab_sha256: made with another vocabulary ({})", name,
                                 shard.vocabulary_sha256()));
  }
  if (shard.checksum() != promised.checksum) {
    faults.push_back(fmt::format("{}: checksum: the stored one is not the manifest's: {}", name,
                                 shard.checksum()));
  }
  std::error_code error;
  compare("bytes", std::filesystem::file_size(shard.path(), error), promised.bytes);
  return faults;
}

ContentFindings check_content(const ShardReader& shard, const Vocabulary* vocabulary) {
  ContentFindings findings;
  const std::string name = shard.path().string();
  if (const auto computed = shard.compute_checksum(); computed != shard.checksum()) {
    findings.faults.push_back(fmt::format("{}: checksum: the data gives {}, stored is {}", name,
                                          computed, shard.checksum()));
  }
  const auto sentence_begin = [&](std::uint64_t i) { return shard.sentence_begin(i); };
  const auto document_begin = [&](std::uint64_t i) { return shard.document_begin(i); };
  const auto guarded = [&](auto&& check) {
    try {
      check();
    } catch (const Error& error) {
      findings.faults.push_back(error.message());
    }
  };
  guarded([&] {
    check_ascending(name, kSentencesDataset, shard.sentences(), sentence_begin, findings.faults);
  });
  guarded([&] {
    check_ascending(name, kDocumentsDataset, shard.documents(), document_begin, findings.faults);
    for (std::uint64_t d = 0; d < shard.documents(); ++d) {
      findings.single_sentence_documents += document_begin(d + 1) == document_begin(d) + 1;
    }
  });
  if (vocabulary) check_ids(name, shard, *vocabulary, findings);
  if (shard.has_word_marks()) {
    if (shard.has_marks_behind_end()) {
      findings.faults.push_back(
          fmt::format("{}: {}: bits behind the last token are set", name, kWordsDataset));
    }
    if (vocabulary) guarded([&] { check_marks(name, shard, *vocabulary, findings); });
  }
  return findings;
}

}  // namespace bertha
