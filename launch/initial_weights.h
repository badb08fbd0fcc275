// Weights that a run starts from, fitted to its model and its vocabulary.
#pragma once

#include <filesystem>

#include "data_pipeline/tokenizer/vocabulary.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

struct InitialWeights {
  std::filesystem::path from;              // as train.init
  const Vocabulary* vocabulary = nullptr;  // the model's; null: it is known to be that of `from`
  bool resize_vocabulary = false;          // model.resize_vocabulary
};

// Fills master and compute weights; says what was missing and unexpected. Error{bad_data}: weights
// of another vocabulary, unless it may be resized. Then tokens of both keep their weights, by their
// text where `from` says its vocabulary, else by their number; the model's other tokens stay fresh.
void load_initial_weights(const InitialWeights& initial, ParameterSpace& space);

}  // namespace bertha
