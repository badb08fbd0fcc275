// Weights that a run starts from, fitted to its model and its vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "launch/start_head.h"
#include "trainer/model/bert.h"
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
  // Settings its text was made with; none: known to be those of `from`.
  std::optional<TokenizerOptions> tokenizer{};
  bool resize_vocabulary = false;       // model.resize_vocabulary
  std::optional<FreshWeights> fresh{};  // for what `from` lacks; none: it may lack nothing
  // That of fine-tuning, which may start from a model for another task; none: heads go by name.
  std::optional<TaskHead> task_head{};
};

// Fills master and compute weights; says what was missing and unexpected. Error{bad_data}: weights
// of another vocabulary, unless it may be resized, or of a tokenizer with other settings; missing
// ones, without `fresh`. With a resized vocabulary tokens of both keep their weights, by their text
// where `from` says its vocabulary, else by their number; the model's other tokens stay fresh. Rows
// behind the last token, which are padding, are left out.
void load_initial_weights(const InitialWeights& initial, ParameterSpace& space);

// The same checks of names, shapes, vocabulary and tokenizer, without a model.
void check_initial_weights(const InitialWeights& initial,
                           const std::vector<ParameterSpec>& parameters);

// Of the heads' weights among `parameters` (all but encoder and embeddings) those that the folder
// lacks.
std::vector<std::string> missing_head_weights(const std::filesystem::path& folder,
                                              const std::vector<ParameterSpec>& parameters);

}  // namespace bertha
