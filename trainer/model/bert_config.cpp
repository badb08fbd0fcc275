// Presets, and what makes a BERT shape possible or not.
#include "trainer/model/bert_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "parallel/base/error.h"
#include "trainer/model/config_faults.h"

namespace bertha {
namespace {

struct Preset {
  std::string_view name;
  std::int64_t layers, hidden_size, attention_heads;
};
// The intermediate size is four times the hidden size in all of them.
constexpr std::array<Preset, 6> kPresets{{{"tiny", 2, 128, 2},
                                          {"mini", 4, 256, 4},
                                          {"small", 4, 512, 8},
                                          {"medium", 8, 512, 8},
                                          {"base", 12, 768, 12},
                                          {"large", 24, 1024, 16}}};

struct SizeLimit {
  const char* name;
  std::int64_t value, largest;
};

bool is_rate(double value) {
  return value >= 0.0 && value < 1.0;
}  // false for NaN

std::string size_fault(const BertConfig& config) {
  // Far above any real model, low enough that products of two sizes fit 64 bits.
  const std::array<SizeLimit, 7> sizes{
      {{"vocabulary size", config.vocabulary_size, 1 << 28},
       {"hidden size", config.hidden_size, 1 << 20},
       {"number of layers", config.layers, 1 << 14},
       {"number of attention heads", config.attention_heads, 1 << 20},
       {"intermediate size", config.intermediate_size, 1 << 24},
       {"number of positions", config.max_positions, 1 << 24},
       {"number of segment types", config.segment_types, 1 << 20}}};
  for (const auto& size : sizes) {
    if (size.value < 1 || size.value > size.largest) {
      return fmt::format("the {} is {}; possible are 1 to {}", size.name, size.value, size.largest);
    }
  }
  if (config.hidden_size % config.attention_heads != 0) {
    return fmt::format("{} attention heads do not divide the hidden size {}",
                       config.attention_heads, config.hidden_size);
  }
  return {};
}

}  // namespace

std::string config_fault(const BertConfig& config) {
  if (auto fault = size_fault(config); !fault.empty()) return fault;
  if (!is_rate(config.hidden_dropout) || !is_rate(config.attention_dropout) ||
      !is_rate(config.classifier_dropout.value_or(0.0))) {
    return "a dropout rate is not in [0, 1)";
  }
  if (!(config.layer_norm_epsilon >= 0.0) || !std::isfinite(config.layer_norm_epsilon)) {
    return fmt::format("the LayerNorm epsilon is {}", config.layer_norm_epsilon);
  }
  if (!(config.initializer_range >= 0.0) || !std::isfinite(config.initializer_range)) {
    return fmt::format("the initializer range is {}", config.initializer_range);
  }
  if (constexpr std::array known{"gelu", "gelu_new", "relu", "silu", "tanh"};
      std::find(known.begin(), known.end(), config.activation) == known.end()) {
    return fmt::format("the activation \"{}\" is none of {}", config.activation,
                       fmt::join(known, ", "));
  }
  if (config.pad_token_id < -1 || config.pad_token_id >= config.vocabulary_size) {
    return fmt::format("the padding token {} is outside the vocabulary of {}", config.pad_token_id,
                       config.vocabulary_size);
  }
  return {};
}

void BertConfig::check() const {
  if (const auto fault = config_fault(*this); !fault.empty()) {
    throw Error(ErrorKind::usage, "the model's shape is impossible: " + fault);
  }
}

BertConfig bert_preset(const std::string& size) {
  std::string known;
  for (const auto& preset : kPresets) {
    if (preset.name == size) {
      BertConfig config;
      config.layers = preset.layers;
      config.hidden_size = preset.hidden_size;
      config.attention_heads = preset.attention_heads;
      config.intermediate_size = 4 * preset.hidden_size;
      return config;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", preset.name);
  }
  throw Error(ErrorKind::usage, fmt::format("no model size \"{}\"", size),
              "known are " + known + "; or give model.config = config.json");
}

}  // namespace bertha
