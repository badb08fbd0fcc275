// Weights that a run starts from, fitted to its model and its vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data_pipeline/tokenizer/vocabulary.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// How weights are drawn; see ParameterSpace::initialize.
struct FreshWeights {
  double range = 0.02;
  std::uint64_t seed = 0;
};

struct InitialWeights {
  std::filesystem::path from;              // as train.init
  const Vocabulary* vocabulary = nullptr;  // the model's; null: it is known to be that of `from`
  bool resize_vocabulary = false;          // model.resize_vocabulary
  std::optional<FreshWeights> fresh{};     // for what `from` lacks; none: that stays as it is
};

// Fills master and compute weights; says what was missing and unexpected. Error{bad_data}: weights
// of another vocabulary, unless it may be resized. Then tokens of both keep their weights, by their
// text where `from` says its vocabulary, else by their number; the model's other tokens stay fresh.
void load_initial_weights(const InitialWeights& initial, ParameterSpace& space);

}  // namespace bertha
