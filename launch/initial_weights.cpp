// Reads, rearranges, copies, reports.
#include "launch/initial_weights.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "data_pipeline/table_text.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/vocabulary_rows.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) {
    text += (i ? ", " : "") + names[i];
  }
  if (names.size() > 5) text += fmt::format(" and {} more", names.size() - 5);
  return text;
}

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

void check_vocabulary(const fs::path& folder, const Vocabulary& ours) {
  const auto theirs = vocabulary_of(folder);
  const auto told = theirs ? difference(*theirs, ours) : "";
  if (told.empty()) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{} has another vocabulary: {}", folder.string(), told),
              "use the vocabulary that its model was trained with, or add "
              "--model.resize_vocabulary true: tokens of both keep their weights");
}

void resize_vocabulary(const fs::path& folder, const Vocabulary& ours,
                       const std::vector<NamedTensor>& destination,
                       std::vector<NamedTensor>& weights) {
  const auto theirs = vocabulary_of(folder);
  std::vector<std::int64_t> row_of;
  for (std::int32_t id = 0; id < ours.size(); ++id) {
    row_of.push_back(theirs ? theirs->find(ours.token(id)) : id);
  }
  const auto words = std::find_if(weights.begin(), weights.end(), [](const NamedTensor& weight) {
    return weight.name == "bert.embeddings.word_embeddings.weight" && weight.tensor.dim() > 0;
  });
  const auto rows = words == weights.end() ? 0 : words->tensor.size(0);
  const auto kept =
      std::count_if(row_of.begin(), row_of.end(), [&](auto row) { return row >= 0 && row < rows; });
  rearrange_vocabulary(weights, destination, row_of);
  log_info(
      fmt::format("vocabulary: {} of {} tokens have the weights they have in {} ({}), {} are "
                  "fresh; {} of its rows are not used",
                  kept, ours.size(), folder.string(), theirs ? "by text" : "by number",
                  ours.size() - kept, rows - kept));
}

}  // namespace

void load_initial_weights(const InitialWeights& initial, ParameterSpace& space) {
  const auto folder = resolve_model_folder(initial.from);
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  if (initial.vocabulary && !initial.resize_vocabulary) {
    check_vocabulary(folder, *initial.vocabulary);
  }
  auto weights = read_model_weights(folder);
  const bool resized = initial.vocabulary && initial.resize_vocabulary;
  const auto& fresh = initial.fresh;
  if (resized) {
    if (fresh) space.initialize(fresh->range, fresh->seed);  // rows of new tokens come from there
    resize_vocabulary(folder, *initial.vocabulary, destination, weights);
  }
  const auto match = copy_weights(weights, destination);
  if (fresh && !resized) {
    for (const auto& name : match.missing) {
      space.initialize(space.find(name), fresh->range, fresh->seed);
    }
  }
  space.copy_master_to_compute();
  log_info(fmt::format("weights from {}", folder.string()));
  if (!match.missing.empty()) log_info("  fresh, not in the file: " + listed(match.missing));
  if (!match.unexpected.empty()) log_info("  in the file, not used: " + listed(match.unexpected));
}

}  // namespace bertha
