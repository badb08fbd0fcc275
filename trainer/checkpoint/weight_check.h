// Whether the weights of a folder are those of the model that its config.json describes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/checkpoint/hugging_face.h"

namespace bertha {

struct WantedWeight {
  std::string name;  // ours
  std::vector<std::int64_t> shape;
};

// Compares names, shapes, types and values, with one weight in memory at a time. Error{bad_data}:
// another shape, no numbers with a fraction or no finite ones, two weights that mean the same, a
// weight of encoder or embeddings that is missing or too many. Those of heads are only listed, by
// our names, unwanted ones without a look at them.
WeightMatch compare_weights(const std::filesystem::path& folder,
                            const std::vector<WantedWeight>& wanted);

// The parts of it that a start from other weights needs, too.
void check_numbers(const std::string& name, const at::Tensor& weight);
void require_encoder(const std::vector<std::string>& missing);
std::string shape_text(const at::Tensor& weight);

}  // namespace bertha
