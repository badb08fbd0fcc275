// Reads, rearranges, copies, reports.
#include "launch/initial_weights.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "launch/vocabulary_fit.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/hugging_face.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What `initial` says of vocabulary and tokenizer, before weights are read.
void check_text(const InitialWeights& initial, const fs::path& folder) {
  if (initial.vocabulary == nullptr) return;
  if (!initial.resize_vocabulary) check_vocabulary(folder, *initial.vocabulary);
  if (initial.tokenizer) {
    check_tokenizer(folder, *initial.vocabulary, *initial.tokenizer, initial.resize_vocabulary);
  }
}

// Of a start for fine-tuning; see start_head.h.
std::vector<std::string> leave_out_other_head(const InitialWeights& initial, const fs::path& folder,
                                              std::vector<NamedTensor>& weights) {
  if (!initial.task_head) return {};
  return keep_head_of_task(*initial.task_head, folder, weights);
}

std::vector<std::string> without(std::vector<std::string> names,
                                 const std::vector<std::string>& others) {
  std::erase_if(names, [&](const auto& name) {
    return std::find(others.begin(), others.end(), name) != others.end();
  });
  return names;
}

void fit_vocabulary(const InitialWeights& initial, const fs::path& folder,
                    const std::vector<NamedTensor>& destination,
                    std::vector<NamedTensor>& weights) {
  if (initial.vocabulary == nullptr) return;
  const auto fit = initial.resize_vocabulary ? resize_vocabulary : drop_padding_rows;
  fit(folder, *initial.vocabulary, destination, weights);
}

}  // namespace

void load_initial_weights(const InitialWeights& initial, ParameterSpace& space) {
  const auto folder = resolve_model_folder(initial.from);
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  check_text(initial, folder);
  auto weights = read_model_weights(folder);
  const auto left_out = leave_out_other_head(initial, folder, weights);
  const auto& fresh = initial.fresh;
  const bool resized = initial.vocabulary && initial.resize_vocabulary;
  // Rows of new tokens come from there.
  if (fresh && resized) space.initialize(fresh->range, fresh->seed);
  fit_vocabulary(initial, folder, destination, weights);
  const auto match = copy_weights(weights, destination);
  if (!fresh && !match.missing.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} has no weights {}", folder.string(), listed(match.missing)),
                "give a model that was trained with these heads");
  }
  if (fresh && !resized) {
    for (const auto& name : match.missing) {
      space.initialize(space.find(name), fresh->range, fresh->seed);
    }
  }
  space.copy_master_to_compute();
  log_info(fmt::format("weights from {}", folder.string()));
  const auto absent = without(match.missing, left_out);
  if (!absent.empty()) log_info("  fresh, not in the file: " + listed(absent));
  if (!match.unexpected.empty()) log_info("  in the file, not used: " + listed(match.unexpected));
}

void check_initial_weights(const InitialWeights& initial,
                           const std::vector<ParameterSpec>& parameters) {
  const auto folder = resolve_model_folder(initial.from);
  std::vector<NamedTensor> wanted;
  for (const auto& spec : parameters) {
    // Rows of another vocabulary are put together, which takes real ones.
    const auto device = initial.resize_vocabulary ? at::kCPU : at::kMeta;
    wanted.push_back({spec.name, at::zeros(spec.shape, at::device(device))});
  }
  check_text(initial, folder);
  auto weights = read_model_weights(folder);
  leave_out_other_head(initial, folder, weights);
  fit_vocabulary(initial, folder, wanted, weights);
  copy_weights(weights, wanted);
}

std::vector<std::string> missing_head_weights(const fs::path& folder,
                                              const std::vector<ParameterSpec>& parameters) {
  const auto names = model_weight_names(folder);  // sorted
  std::vector<std::string> missing;
  for (const auto& spec : parameters) {
    const bool head =
        !spec.name.starts_with("bert.encoder.") && !spec.name.starts_with("bert.embeddings.");
    if (head && !std::binary_search(names.begin(), names.end(), spec.name)) {
      missing.push_back(spec.name);
    }
  }
  return missing;
}

}  // namespace bertha
