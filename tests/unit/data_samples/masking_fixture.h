// Sequences to mask, and what every masked sequence must be.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/samples/masking.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {

class Masking : public ::testing::Test {
 protected:
  Vocabulary vocabulary_ = test_vocabulary(2000);

  std::int32_t id(const std::string& token) const {
    const auto found = vocabulary_.find(token);
    EXPECT_GE(found, 0) << token;
    return found;
  }
  // [CLS] a [SEP] b [SEP]
  Sequence pair(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) const {
    Sequence sequence{{vocabulary_.cls()}, {}, {}, {}};
    sequence.tokens.insert(sequence.tokens.end(), a.begin(), a.end());
    sequence.tokens.push_back(vocabulary_.sep());
    sequence.segments.resize(sequence.tokens.size(), 0);
    sequence.tokens.insert(sequence.tokens.end(), b.begin(), b.end());
    sequence.tokens.push_back(vocabulary_.sep());
    sequence.segments.resize(sequence.tokens.size(), 1);
    return sequence;
  }
  // Words of one to `most_pieces` pieces; 61 + 64 tokens: a full sequence of 128.
  Sequence random_pair(std::uint64_t stream, std::uint64_t most_pieces) const {
    Philox random(23, RandomPurpose::sample_order, stream);
    std::vector<std::int32_t> texts[2];
    for (auto& text : texts) {
      const std::size_t length = &text == texts ? 61 : 64;
      while (text.size() < length) {
        text.push_back(kFirstWord + static_cast<std::int32_t>(random.next_below(2000)));
        for (auto pieces = random.next_below(most_pieces); pieces > 0 && text.size() < length;
             --pieces) {
          text.push_back(kFirstWord + 2000 + static_cast<std::int32_t>(random.next_below(2000)));
        }
      }
    }
    return pair(texts[0], texts[1]);
  }
  Sequence apply(Sequence sequence, const MaskingOptions& options, std::uint64_t key = 0,
                 int length = 128) const {
    Philox random(1, RandomPurpose::masking, key);
    Masker(vocabulary_, options, length).apply(sequence, random);
    return sequence;
  }
  std::vector<std::string> words_of(const std::vector<std::int32_t>& tokens) const {
    std::vector<std::string> words;
    for (const auto token : tokens) {
      const auto& piece = vocabulary_.token(token);
      if (vocabulary_.is_continuation(token)) {
        words.back() += piece.substr(2);
      } else {
        words.push_back(piece);
      }
    }
    return words;
  }
};

inline void check_form(const Sequence& sequence, const Vocabulary& vocabulary) {
  ASSERT_EQ(sequence.tokens.size(), sequence.segments.size());
  ASSERT_EQ(sequence.masked_positions.size(), sequence.masked_labels.size());
  EXPECT_TRUE(std::is_sorted(sequence.masked_positions.begin(), sequence.masked_positions.end(),
                             [](int a, int b) { return a <= b; }));
  for (std::size_t i = 0; i < sequence.masked_positions.size(); ++i) {
    ASSERT_GE(sequence.masked_positions[i], 0);
    ASSERT_LT(static_cast<std::size_t>(sequence.masked_positions[i]), sequence.tokens.size());
    EXPECT_FALSE(vocabulary.is_special(sequence.masked_labels[i]));
  }
}

}  // namespace bertha
