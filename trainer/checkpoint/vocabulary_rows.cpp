// One gather and one scatter for each weight by token.
#include "trainer/checkpoint/vocabulary_rows.h"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>

namespace bertha {
namespace {

const at::Tensor* tensor_named(const std::vector<NamedTensor>& weights, const std::string& name) {
  const auto found = std::find_if(weights.begin(), weights.end(),
                                  [&](const auto& weight) { return weight.name == name; });
  return found == weights.end() ? nullptr : &found->tensor;
}

bool same_but_for_rows(const at::Tensor& one, const at::Tensor& other) {
  return one.dim() > 0 && one.dim() == other.dim() &&
         one.sizes().slice(1) == other.sizes().slice(1);
}

at::Tensor rearranged(const at::Tensor& source, const at::Tensor& fresh,
                      const std::vector<std::int64_t>& row_of) {
  std::vector<std::int64_t> from, to;
  for (std::size_t i = 0; i < row_of.size(); ++i) {
    if (row_of[i] < 0 || row_of[i] >= source.size(0)) continue;
    from.push_back(row_of[i]);
    to.push_back(static_cast<std::int64_t>(i));
  }
  const auto rows = source.index_select(0, at::tensor(from, at::kLong));
  auto result = fresh.detach().cpu().clone();
  return result.index_copy_(0, at::tensor(to, at::kLong), rows.to(result.scalar_type()));
}

}  // namespace

void rearrange_vocabulary(std::vector<NamedTensor>& source,
                          const std::vector<NamedTensor>& destination,
                          const std::vector<std::int64_t>& row_of) {
  for (auto& [name, tensor] : source) {
    if (name != "bert.embeddings.word_embeddings.weight" && name != "cls.predictions.bias")
      continue;
    const auto* fresh = tensor_named(destination, name);
    if (fresh == nullptr || !same_but_for_rows(tensor, *fresh)) continue;
    if (!tensor.is_floating_point() || fresh->size(0) != static_cast<std::int64_t>(row_of.size())) {
      continue;  // copy_weights says what is wrong
    }
    tensor = rearranged(tensor, *fresh, row_of);
  }
}

}  // namespace bertha
