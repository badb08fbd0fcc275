// The shape of a BERT model: presets, Hugging Face's config.json, and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bertha {

// How the model is computed: automatic is fused where that exists (fp32, bf16; on CUDA where our
// kernels were built). `twin`: fused on the host with the CUDA kernels' lists of work (kernels.h),
// for tests only.
enum class Implementation { automatic, reference, fused, twin };

// Which activations are thrown away after the forward pass and computed again for backward. Changes
// memory and time, not a bit of the results.
enum class Recompute { none, layers };

struct BertConfig {
  std::int64_t vocabulary_size = 30522;
  std::int64_t hidden_size = 768;
  std::int64_t layers = 12;
  std::int64_t attention_heads = 12;
  std::int64_t intermediate_size = 3072;
  std::int64_t max_positions = 512;
  std::int64_t segment_types = 2;
  double hidden_dropout = 0.1;
  double attention_dropout = 0.1;
  double layer_norm_epsilon = 1e-12;
  double initializer_range = 0.02;
  std::string activation = "gelu";                            // gelu (erf), gelu_new (tanh), relu
  std::int32_t pad_token_id = 0;                              // -1: none
  std::optional<double> classifier_dropout;                   // none: hidden_dropout
  Implementation implementation = Implementation::automatic;  // not part of config.json
  Recompute recompute = Recompute::none;                      // nor this

  std::int64_t head_size() const { return hidden_size / attention_heads; }
  // Rows of the words in memory, never in files: what GPUs multiply fastest.
  std::int64_t padded_vocabulary() const { return (vocabulary_size + 63) / 64 * 64; }
  void check() const;  // Error{usage}: heads that do not divide the hidden size, sizes below 1 ...
  bool operator==(const BertConfig&) const = default;
};

// tiny 2x128, mini 4x256, small 4x512, medium 8x512 (Turc et al. 2019), base 12x768, large 24x1024
// (Devlin et al. 2019). Error{usage} names the known ones.
BertConfig bert_preset(const std::string& size);

// Error{bad_data} for another model_type or features we do not have (relative positions, decoder),
// naming file and field.
BertConfig read_bert_config(const std::filesystem::path& config_json);

// Facts of a fine-tuned model that config.json carries beside the shape.
struct HeadConfig {
  std::string architecture = "BertForPreTraining";
  std::vector<std::string> label_names;  // id2label, by id
  std::string problem_type;              // regression, single_label_classification or empty
  bool unanswerable = false;             // trained with questions that have no answer
};
std::string bert_config_json(const BertConfig& config, const HeadConfig& head);
HeadConfig read_head_config(const std::filesystem::path& config_json);

}  // namespace bertha
