// Tokens as people read them: WordPieces joined to words, masks beside what they hide.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace bertha {

// "play ##ing here" is "playing here"; [CLS], [SEP] and [PAD] are left out.
std::string decoded_text(const std::vector<std::string>& tokens);

// A sample of list_samples(): what the model sees, and behind each place to be predicted the
// answer.
std::string sample_markdown(const nlohmann::ordered_json& sample);
std::string sample_html(const nlohmann::ordered_json& sample);

}  // namespace bertha
