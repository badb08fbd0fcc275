// BERT on packed input: sequences do not see each other, dropout does not see the packing, bad
// input is refused. (Values and gradients against Transformers: tests/parity/test_model.py.)
#include "trainer/model/bert.h"

#include <set>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "packed_sequences.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

BertConfig small_config() {
  BertConfig config;
  config.vocabulary_size = 53;
  config.hidden_size = 24;
  config.layers = 2;
  config.attention_heads = 3;
  config.intermediate_size = 40;
  config.max_positions = 20;
  return config;
}

struct Model {
  explicit Model(Head head, Precision precision = Precision::fp32, std::int64_t labels = 3)
      : space(bert_parameters(small_config(), head, labels), precision, at::kCPU),
        bert(small_config(), head, space) {
    space.initialize(0.2, 11);  // wide, so that attention is far from uniform
  }
  ParameterSpace space;
  Bert bert;
};

std::vector<TestSequence> mixed_sequences() {
  return {{{2, 5, 9, 41, 3}, 100},
          {{2}, 7},
          {{2, 17, 17, 52, 30, 31, 32, 33, 34, 35, 36, 3}, 1ULL << 40},
          {{2, 8, 3}, 5}};
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class PackingTest : public testing::TestWithParam<bool> {};  // with dropout?
INSTANTIATE_TEST_SUITE_P(Dropout, PackingTest, testing::Bool());

TEST_P(PackingTest, GivesEverySequenceWhatItGetsAlone) {
  Model model(Head::pretraining);
  const ForwardContext context{GetParam(), 3, 4};
  const auto sequences = mixed_sequences();
  const auto packed = pack_sequences(sequences);
  const auto hidden = model.bert.encode(packed, context);
  const auto next =
      model.bert.next_sentence_logits(model.bert.pool(hidden, packed.sequence_starts));
  hidden.pow(3).sum().backward();
  const auto together = model.space.gradient().clone();
  model.space.zero_gradient();

  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto one = pack_sequences({sequences[s]});
    const auto alone = model.bert.encode(one, context);
    const auto begin = packed.sequence_offsets[s], end = packed.sequence_offsets[s + 1];
    EXPECT_LT(distance(alone, hidden.slice(0, begin, end)), 1e-5) << "sequence " << s;
    const auto alone_next =
        model.bert.next_sentence_logits(model.bert.pool(alone, one.sequence_starts));
    EXPECT_LT(distance(alone_next[0], next[static_cast<std::int64_t>(s)]), 1e-5);
    alone.pow(3).sum().backward();
  }
  const auto error = (model.space.gradient() - together).norm() / together.norm();
  EXPECT_LT(error.item<double>(), 1e-5);
}

TEST_P(PackingTest, TakesEqualLengthsWithoutPadding) {
  Model model(Head::none);
  const ForwardContext context{GetParam(), 3, 4};
  const std::vector<TestSequence> equal{{{2, 5, 3}, 1}, {{2, 9, 3}, 2}};
  auto padded = equal;
  padded.push_back({{2, 4, 4, 4, 3}, 9});  // makes the others padded ones
  const auto plain = model.bert.encode(pack_sequences(equal), context);
  const auto mixed = model.bert.encode(pack_sequences(padded), context);
  EXPECT_LT(distance(plain, mixed.slice(0, 0, 6)), 1e-5);
}

TEST(Bert, DropsOutInTrainingOnlyAndByStepSeedAndSample) {
  Model model(Head::none);
  const auto encode = [&](const ForwardContext& context, std::uint64_t sample) {
    return model.bert.encode(pack_sequences({{{2, 5, 9, 3}, sample}}), context);
  };
  const auto reference = encode({true, 1, 1}, 1);
  EXPECT_EQ(distance(reference, encode({true, 1, 1}, 1)), 0);
  EXPECT_GT(distance(reference, encode({true, 1, 2}, 1)), 1e-3);
  EXPECT_GT(distance(reference, encode({true, 2, 1}, 1)), 1e-3);
  EXPECT_GT(distance(reference, encode({true, 1, 1}, 2)), 1e-3);
  EXPECT_EQ(distance(encode({false, 1, 1}, 1), encode({false, 2, 2}, 2)), 0);
}

TEST(Bert, ClassifiesSequencesAndTokensWithDropoutBefore) {
  Model sequence(Head::sequence);
  Model token(Head::token);
  const auto input = pack_sequences(mixed_sequences());
  const auto hidden = sequence.bert.encode(input, {});
  const auto pooled = sequence.bert.pool(hidden, input.sequence_starts);
  const auto logits = sequence.bert.classify(pooled, input, {});
  EXPECT_EQ(logits.sizes(), at::IntArrayRef({4, 3}));
  EXPECT_GT(distance(logits, sequence.bert.classify(pooled, input, {true, 1, 1})), 1e-4);
  const auto token_logits = token.bert.classify(token.bert.encode(input, {}), input, {});
  EXPECT_EQ(token_logits.sizes(), at::IntArrayRef({21, 3}));
}

TEST(Bert, RefusesWhatItHasNoPlaceFor) {
  Model model(Head::none);
  const auto kind_of = [&](PackedInput input) {
    try {
      model.bert.encode(input, {});
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::stopped;
  };
  EXPECT_EQ(kind_of(pack_sequences({{{2, 53, 3}}})), ErrorKind::bad_data);
  EXPECT_EQ(kind_of(pack_sequences({{{2, -1, 3}}})), ErrorKind::bad_data);
  EXPECT_EQ(kind_of(pack_sequences({{std::vector<std::int64_t>(21, 2)}})), ErrorKind::bad_data);
  auto segments = pack_sequences({{{2, 3}}});
  segments.segments[1] = 2;
  EXPECT_EQ(kind_of(segments), ErrorKind::bad_data);
  auto cut = pack_sequences({{{2, 3}}});
  cut.sequence_offsets.back() = 1;
  EXPECT_EQ(kind_of(cut), ErrorKind::internal);
  EXPECT_EQ(kind_of(pack_sequences({{{2, 52, 3}}})), ErrorKind::stopped) << "the last id is fine";
}

TEST(Bert, HeadsHaveOnlyTheirOwnParameters) {
  const auto input = pack_sequences(mixed_sequences());
  Model masked(Head::masked_lm);
  const auto hidden = masked.bert.encode(input, {});
  EXPECT_EQ(masked.bert.masked_lm_logits(hidden).size(1), 53);
  EXPECT_THROW(masked.bert.pool(hidden, input.sequence_starts), Error);
  EXPECT_THROW(masked.bert.question_logits(hidden), Error);
  Model question(Head::question);
  EXPECT_EQ(question.bert.question_logits(hidden).size(1), 2);
  EXPECT_THROW(question.bert.masked_lm_logits(hidden), Error);
  EXPECT_THROW(bert_parameters(small_config(), Head::sequence, 0), Error);
}

// Parameter counts of the published models, counted with Transformers.
TEST(Bert, PublishedModelsHaveTheirNumberOfParameters) {
  const auto count = [](const std::string& size, Head head) {
    std::int64_t sum = 0;
    std::set<std::string> names;
    for (const auto& spec : bert_parameters(bert_preset(size), head, 2)) {
      EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
      std::int64_t elements = 1;
      for (const auto extent : spec.shape) elements *= extent;
      sum += elements;
    }
    return sum;
  };
  EXPECT_EQ(count("base", Head::none), 109482240);
  EXPECT_EQ(count("base", Head::pretraining), 110106428);
  EXPECT_EQ(count("large", Head::none), 335141888);
  EXPECT_EQ(count("tiny", Head::none), 4385920);
}

TEST(Bert, ComputesInShortTypesCloseToFp32) {
  Model exact(Head::none);
  const auto input = pack_sequences(mixed_sequences());
  const auto reference = exact.bert.encode(input, {});
  for (const auto precision : {Precision::bf16, Precision::fp16}) {
    Model model(Head::none, precision);
    const auto hidden = model.bert.encode(input, {});
    EXPECT_NE(hidden.scalar_type(), at::kFloat);
    const auto error = (hidden.to(at::kFloat) - reference).norm() / reference.norm();
    EXPECT_LT(error.item<double>(), 0.03) << precision_name(precision);
    EXPECT_GT(error.item<double>(), 0.0);
  }
}

}  // namespace
}  // namespace bertha
