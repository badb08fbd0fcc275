// Samples as people read them: WordPieces joined to words, masks beside what they hide.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace bertha {

// A sample of list_samples(): what the model sees ("play ##ing here" is "playing here"; [CLS],
// [SEP] and [PAD] are left out), and behind each place to be predicted the answer.
std::string sample_markdown(const nlohmann::ordered_json& sample);
std::string sample_html(const nlohmann::ordered_json& sample);

}  // namespace bertha
