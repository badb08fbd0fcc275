// Which tokens are single ideographs (of Chinese, mostly).
#pragma once

#include <vector>

#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// By id: the only character of the token, "##" aside, if it is an ideograph; 0 for all others.
// Empty: the vocabulary has none.
std::vector<char32_t> ideographs_of(const Vocabulary& vocabulary);

}  // namespace bertha
