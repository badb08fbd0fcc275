// One pass over the files of a folder.
#include "trainer/checkpoint/weight_check.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/safetensors_header.h"
#include "trainer/checkpoint/weight_names.h"

namespace bertha {
namespace {

bool is_encoder(const std::string& name) {
  return name.starts_with("bert.encoder.") || name.starts_with("bert.embeddings.");
}

void check_shape(const WantedWeight& wanted, const at::Tensor& found, const std::string& folder) {
  if (found.sizes() == at::IntArrayRef(wanted.shape)) return;
  const bool padded = wanted.name == "bert.embeddings.word_embeddings.weight" && found.dim() == 2 &&
                      found.size(1) == wanted.shape[1] && found.size(0) > wanted.shape[0];
  throw Error(
      ErrorKind::bad_data,
      fmt::format("weight {} of {} is {}, but [{}] by its config.json", wanted.name, folder,
                  shape_text(found), fmt::join(wanted.shape, ", ")),
      padded ? fmt::format("where its last rows are padding, make its vocab_size {}", found.size(0))
             : "the config.json is that of another model: save the model anew");
}

}  // namespace

std::string shape_text(const at::Tensor& weight) {
  return fmt::format("[{}]", fmt::join(weight.sizes().begin(), weight.sizes().end(), ", "));
}

void check_numbers(const std::string& name, const at::Tensor& weight) {
  if (!weight.is_floating_point()) {
    throw Error(ErrorKind::bad_data, fmt::format("weight {} is of type {}, not a number with a "
                                                 "fraction",
                                                 name, c10::toString(weight.scalar_type())));
  }
  if (!at::isfinite(weight.to(at::kFloat)).all().item<bool>()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("weight {} holds values that are no finite numbers", name),
                "use another checkpoint or model");
  }
}

void require_encoder(const std::vector<std::string>& missing) {
  std::vector<std::string> needed;
  std::copy_if(missing.begin(), missing.end(), std::back_inserter(needed), is_encoder);
  if (needed.empty()) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("the file lacks {} weight(s) of the encoder, first {}", needed.size(),
                          needed.front()),
              "is it a BERT model of this many layers? See its config.json");
}

WeightMatch compare_weights(const std::filesystem::path& folder,
                            const std::vector<WantedWeight>& wanted) {
  std::map<std::string, const WantedWeight*> by_name;
  for (const auto& weight : wanted) by_name.emplace(weight.name, &weight);
  std::set<std::string> names, meant;  // a copy means its original
  WeightMatch match;
  visit_model_weights(folder, [&](const std::string& name, const at::Tensor& tensor) {
    const auto ours = our_weight_name(name);
    if (!ours) return;
    if (!names.insert(*ours).second) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{} holds two weights that mean {}", folder.string(), shown(*ours)),
                  "save the model anew with Transformers");
    }
    const auto meaning = original_of_copy(*ours).value_or(*ours);
    meant.insert(meaning);
    if (const auto found = by_name.find(meaning); found != by_name.end()) {
      check_shape(*found->second, tensor, folder.string());
      return check_numbers(*ours, tensor);
    }
    if (is_encoder(*ours)) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{} has a weight {}, which its config.json has no place for",
                              folder.string(), shown(*ours)),
                  "is it a BERT model of this many layers? See its config.json");
    }
    match.unexpected.push_back(*ours);
  });
  for (const auto& weight : wanted) {
    if (!meant.contains(weight.name)) match.missing.push_back(weight.name);
  }
  require_encoder(match.missing);
  return match;
}

}  // namespace bertha
