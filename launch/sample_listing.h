// Decoded training samples of a corpus, as the model will see them: pairs, masks, labels.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "launch/run_config.h"

namespace bertha {

// The first `config.samples` samples in the order of training (epoch 0) of the corpus in
// `config.data.corpus`, its split for training or, where there is none, for validation. One object
// each: number, next_sentence (null without), tokens, segments, masked_positions, masked_labels.
nlohmann::ordered_json list_samples(const RunConfig& config);

// The same for people: what is predicted reads "[MASK]=word".
std::string sample_text(const nlohmann::ordered_json& sample);

}  // namespace bertha
