// Tokenizer settings that go with a vocabulary: options, else what lies beside it.
#pragma once

#include "launch/run_config.h"

namespace bertha {

// [tokenizer] for text that is made into tokens of config.vocabulary: of options that were not
// given, what tokenizer_config.json says where the vocabulary is a folder or a vocab.txt beside
// one. Says so in the log, and warns of options that contradict it, or of a vocabulary that is
// hardly for such text.
TokenizerOptions settings_for_vocabulary(const RunConfig& config);

}  // namespace bertha
