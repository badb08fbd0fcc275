// What to draw from a corpus and how: sections [data] and [masking] of the configuration.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/tokenizer/tokenizer_options.h"

namespace bertha {

enum class MaskingStrategy { token, word, character, span };

struct MaskingOptions {
  MaskingStrategy strategy = MaskingStrategy::token;
  double probability = 0.15;
  double mask_fraction = 0.8;    // of the chosen: replaced by [MASK]
  double random_fraction = 0.1;  // of the chosen: replaced by a random real token; the rest is kept
  int max_predictions = 0;       // per sequence; 0: no cap
};

struct DataConfig {
  std::filesystem::path corpus;
  int sequence_length = 128;  // longest, with special tokens
  bool next_sentence = true;
  double short_sequence_probability = 0.1;
  int workers = 1;
  VerifyLevel verify = VerifyLevel::quick;
  MaskingOptions masking;
  // Of foreign shards, which say neither (shards/foreign_shard.h). [tokenizer]
  std::filesystem::path vocabulary;  // empty: vocab.txt beside them
  TokenizerOptions tokenizer;
  double validation_fraction = 0;  // of their rows, where no file is for validation
};

}  // namespace bertha
