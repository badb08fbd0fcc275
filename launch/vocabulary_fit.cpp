// Compares, cuts and rearranges; says what it did.
#include "launch/vocabulary_fit.h"

#include <algorithm>
#include <optional>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/tokenizer/tokenizer_settings.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/vocabulary_rows.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWords = "bert.embeddings.word_embeddings.weight";
constexpr const char* kWordBias = "cls.predictions.bias";
constexpr std::int64_t kLargestPadding = 128;  // to a multiple of that: Megatron's; NVIDIA's is 8

std::optional<Vocabulary> vocabulary_of(const fs::path& folder) {
  if (!fs::exists(folder / "vocab.txt") && !fs::exists(folder / "tokenizer.json")) {
    return std::nullopt;
  }
  return read_vocabulary(folder);
}

// What tells the two apart; empty: nothing.
std::string difference(const Vocabulary& theirs, const Vocabulary& ours) {
  if (theirs.size() != ours.size()) {
    return fmt::format("{} tokens there, {} here", theirs.size(), ours.size());
  }
  for (std::int32_t id = 0; id < ours.size(); ++id) {
    if (theirs.token(id) == ours.token(id)) continue;
    return fmt::format("token {} is '{}' there and '{}' here", id, excerpt(theirs.token(id)),
                       excerpt(ours.token(id)));
  }
  return "";
}

std::int64_t rows_of(const std::vector<NamedTensor>& weights, const std::string& name) {
  const auto found = std::find_if(weights.begin(), weights.end(),
                                  [&](const auto& weight) { return weight.name == name; });
  return found == weights.end() || found->tensor.dim() == 0 ? 0 : found->tensor.size(0);
}

}  // namespace

void check_vocabulary(const fs::path& folder, const Vocabulary& ours) {
  const auto theirs = vocabulary_of(folder);
  const auto told = theirs ? difference(*theirs, ours) : "";
  if (told.empty()) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{} has another vocabulary: {}", folder.string(), told),
              "use the vocabulary that its model was trained with, or add "
              "--model.resize_vocabulary true: tokens of both keep their weights");
}

void check_tokenizer(const fs::path& folder, const Vocabulary& ours,
                     const TokenizerOptions& settings, bool resize) {
  const auto theirs = stated_tokenizer_options(folder);
  if (!theirs) {
    const auto doubt = resize ? "" : casing_doubt(ours, settings);
    if (doubt.empty()) return;
    log_warning(fmt::format(
        "{} has no tokenizer_config.json, and its vocabulary is hardly for text made with {}, as "
        "this was: {}",
        folder.string(), settings_text(settings), doubt));
    return;
  }
  if (*theirs == settings) return;
  const auto what = fmt::format("{} was trained on text made with {}; this was made with {}",
                                folder.string(), settings_text(*theirs), settings_text(settings));
  if (resize) return log_warning(what);
  throw Error(
      ErrorKind::bad_data, what,
      fmt::format("prepare the text with --tokenizer.lower_case {} --tokenizer.strip_accents {} "
                  "--tokenizer.chinese_characters {}",
                  theirs->lower_case, theirs->strip_accents, theirs->chinese_characters));
}

bool are_padding_rows(const fs::path& folder, std::int64_t rows, std::int64_t tokens) {
  if (rows < tokens) return false;
  if (rows - tokens < kLargestPadding) return true;
  const auto theirs = vocabulary_of(folder);
  return theirs && theirs->size() == tokens;
}

void drop_padding_rows(const fs::path& folder, const Vocabulary& ours,
                       const std::vector<NamedTensor>& destination,
                       std::vector<NamedTensor>& weights) {
  const auto rows = rows_of(weights, kWords);
  if (rows <= rows_of(destination, kWords) || !are_padding_rows(folder, rows, ours.size())) return;
  for (auto& [name, tensor] : weights) {
    if (name != kWords && name != kWordBias) continue;
    const auto wanted = rows_of(destination, name);
    if (wanted > 0 && tensor.dim() > 0 && tensor.size(0) > wanted) {
      tensor = tensor.narrow(0, 0, wanted);
    }
  }
  log_info(fmt::format("{}: {} padding rows behind its {} tokens are left out", folder.string(),
                       rows - ours.size(), ours.size()));
}

void resize_vocabulary(const fs::path& folder, const Vocabulary& ours,
                       const std::vector<NamedTensor>& destination,
                       std::vector<NamedTensor>& weights) {
  const auto theirs = vocabulary_of(folder);
  std::vector<std::int64_t> row_of;
  for (std::int32_t id = 0; id < ours.size(); ++id) {
    row_of.push_back(theirs ? theirs->find(ours.token(id)) : id);
  }
  const auto rows = rows_of(weights, kWords);
  const auto kept =
      std::count_if(row_of.begin(), row_of.end(), [&](auto row) { return row >= 0 && row < rows; });
  rearrange_vocabulary(weights, destination, row_of);
  log_info(
      fmt::format("vocabulary: {} of {} tokens have the weights they have in {} ({}), {} are "
                  "fresh; {} of its rows are not used",
                  kept, ours.size(), folder.string(), theirs ? "by text" : "by number",
                  ours.size() - kept, rows - kept));
}

}  // namespace bertha
