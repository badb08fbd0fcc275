// Ranks as threads, and small inputs, for the tests of `prepare`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/prepare/prepare.h"
#include "parallel/base/error.h"

namespace bertha {

class PrepareFolder {
 public:
  PrepareFolder();
  ~PrepareFolder();
  PrepareFolder(const PrepareFolder&) = delete;
  PrepareFolder& operator=(const PrepareFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const;
  std::vector<std::string> names() const;  // of what lies in it, sorted

 private:
  std::filesystem::path path_;
};

// One line per token: the special ones, then `words`, then letters and digits and their
// continuations, so that no Latin word is unknown. The first word has id 5.
std::string vocabulary_text(const std::vector<std::string>& words);

struct RankOutcome {
  std::optional<PrepareReport> report;
  std::optional<Error> error;
};
// Runs prepare_corpus on so many ranks at once. `change` may give a rank options of its own.
std::vector<RankOutcome> prepare_on(int ranks, const PrepareOptions& options,
                                    const std::function<void(int, PrepareOptions&)>& change = {});
// On one rank; fails the test on an error.
PrepareReport prepare_alone(const PrepareOptions& options);
// The error that all ranks agree on; fails the test when they do not.
Error agreed_error(const std::vector<RankOutcome>& outcomes);

// Everything in a folder, by name.
std::map<std::string, std::string> folder_bytes(const std::filesystem::path& folder);

// All documents of a split in order, sentence by sentence.
using SentenceIds = std::vector<std::vector<std::int32_t>>;
std::vector<SentenceIds> split_documents(const std::filesystem::path& corpus,
                                         const std::string& split);

}  // namespace bertha
