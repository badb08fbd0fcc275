// Prefixes, old names and tied copies.
#include "trainer/checkpoint/weight_names.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

void replace_end(std::string& name, std::string_view end, std::string_view with) {
  if (name.ends_with(end)) name.replace(name.size() - end.size(), end.size(), with);
}

bool starts_like_a_base_model(std::string_view name) {
  return name.starts_with("embeddings.") || name.starts_with("encoder.") ||
         name.starts_with("pooler.");
}

// Bit for bit: NaN is itself.
bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::equal(static_cast<const char*>(a.const_data_ptr()),
                    static_cast<const char*>(a.const_data_ptr()) + a.nbytes(),
                    static_cast<const char*>(b.const_data_ptr()));
}

using Weights = std::map<std::string, at::Tensor>;

// Of the masked-word head's decoder: what each is a copy of.
const std::map<std::string, std::string>& originals() {
  static const std::map<std::string, std::string> names{
      {"cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"},
      {"cls.predictions.decoder.bias", "cls.predictions.bias"}};
  return names;
}

void settle_copy(Weights& weights, const std::string& copy, const std::string& original,
                 const std::string& source) {
  const auto found = weights.find(copy);
  if (found == weights.end()) return;
  const auto tensor = found->second;
  weights.erase(found);
  const auto [place, taken] = weights.emplace(original, tensor);
  if (!taken && !same_bits(tensor, place->second)) {
    log_warning(fmt::format(
        "{}: {} differs from {}; an untied decoder is not supported, the latter is used", source,
        copy, original));
  }
}

}  // namespace

std::optional<std::string> our_weight_name(const std::string& name) {
  auto ours = starts_like_a_base_model(name) ? "bert." + name : name;
  if (ours == "bert.embeddings.position_ids" || ours == "bert.embeddings.token_type_ids") {
    return std::nullopt;
  }
  replace_end(ours, "LayerNorm.gamma", "LayerNorm.weight");
  replace_end(ours, "LayerNorm.beta", "LayerNorm.bias");
  constexpr std::string_view kOldDense = ".dense_act.";
  if (const auto place = ours.find(kOldDense); place != std::string::npos) {
    ours.replace(place, kOldDense.size(), ".dense.");
  }
  return ours;
}

std::optional<std::string> original_of_copy(const std::string& our_name) {
  const auto found = originals().find(our_name);
  return found == originals().end() ? std::nullopt : std::optional(found->second);
}

std::vector<NamedTensor> with_our_names(std::vector<NamedTensor> weights,
                                        const std::string& source) {
  std::map<std::string, at::Tensor> renamed;
  for (auto& [name, tensor] : weights) {
    const auto ours = our_weight_name(name);
    if (!ours) continue;
    if (!renamed.emplace(*ours, std::move(tensor)).second) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{} holds two weights that mean {}", source, shown(*ours)),
                  "save the model anew with Transformers");
    }
  }
  for (const auto& [copy, original] : originals()) settle_copy(renamed, copy, original, source);
  std::vector<NamedTensor> result;
  for (auto& [name, tensor] : renamed) result.push_back({name, std::move(tensor)});
  return result;
}

std::vector<std::string> with_our_names(const std::vector<std::string>& names) {
  std::set<std::string> ours;
  for (const auto& name : names) {
    const auto renamed = our_weight_name(name);
    if (!renamed) continue;
    ours.insert(original_of_copy(*renamed).value_or(*renamed));
  }
  return {ours.begin(), ours.end()};
}

}  // namespace bertha
