// The fused and the reference path side by side, for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "packed_sequences.h"
#include "parallel/base/philox.h"
#include "trainer/model/bert.h"
#include "trainer/model/named_weights.h"

namespace bertha {

// Two layers with dropout; the vocabulary is no multiple of anything, so rows of logits are padded.
inline BertConfig path_config(std::int64_t hidden, std::int64_t heads, std::int64_t intermediate) {
  BertConfig config;
  config.vocabulary_size = 1009;
  config.hidden_size = hidden;
  config.attention_heads = heads;
  config.intermediate_size = intermediate;
  config.layers = 2;
  config.max_positions = 512;
  config.hidden_dropout = 0.1;
  config.attention_dropout = 0.2;
  return config;
}

// One path with weights of its own, the same as any other path's of this configuration.
struct TestPath {
  TestPath(BertConfig config, Implementation implementation, Precision precision = Precision::fp32,
           Head head = Head::pretraining, double range = 0.1, at::Device device = at::kCPU)
      : space(bert_parameters(config, head, 3), precision, device),
        bert(with(config, implementation), head, space) {
    space.initialize(range, 11);
    // Biases and LayerNorms away from zero and one, so that a mistake in them shows.
    for (std::size_t i = 0; i < space.parameters().size(); ++i) {
      if (space.parameters()[i].initial == InitialValue::normal) continue;
      auto values = space.master_view(static_cast<int>(i));
      auto shifts = at::empty(values.sizes(), at::kFloat);
      for (std::int64_t e = 0; e < values.numel(); ++e) {
        shifts.data_ptr<float>()[e] =
            0.1F * std::sin(static_cast<float>(e + 7 * static_cast<std::int64_t>(i)));
      }
      values.add_(shifts.to(device));
    }
    space.copy_master_to_compute();
  }
  static BertConfig with(BertConfig config, Implementation implementation) {
    config.implementation = implementation;
    return config;
  }

  ParameterSpace space;
  Bert bert;
};

struct TestBatch {
  PackedInput input;
  at::Tensor positions, labels;  // of the MLM
};

// Sequences of these lengths; every `step`-th position is predicted, none for 0.
inline TestBatch make_test_batch(const BertConfig& config, const std::vector<int>& lengths,
                                 int step) {
  Philox random(5, RandomPurpose::masking, 1);
  std::vector<TestSequence> sequences;
  std::vector<std::int64_t> positions, labels;
  std::int64_t row = 0;
  const auto draw = [&] {
    return static_cast<std::int64_t>(
        random.next_below(static_cast<std::uint64_t>(config.vocabulary_size)));
  };
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    TestSequence sequence{{}, (s << 33) + 17 * s + 1};
    for (int i = 0; i < lengths[s]; ++i, ++row) {
      sequence.tokens.push_back(draw());
      if (step == 0 || row % step != 0) continue;
      positions.push_back(row);
      labels.push_back(draw());
    }
    sequences.push_back(std::move(sequence));
  }
  const auto options = at::TensorOptions().dtype(at::kLong);
  return {pack_sequences(sequences), at::tensor(positions, options), at::tensor(labels, options)};
}

inline TestBatch on_device(TestBatch batch, at::Device device) {
  for (auto* tensor :
       {&batch.input.tokens, &batch.input.segments, &batch.input.positions, &batch.labels}) {
    *tensor = tensor->to(device);
  }
  return batch;
}

struct PathResult {
  at::Tensor hidden, loss, gradient;
  std::int64_t correct = 0;
};

struct PathOptions {
  int passes = 1;                 // micro-batches, one after the other
  bool needed_rows_only = false;  // the model may leave out rows that no head reads
  bool pools = true;              // the loss reads first tokens, too
};

// A pretraining loss and its gradients.
inline PathResult run_path(TestPath& path, const TestBatch& batch, const ForwardContext& context,
                           const PathOptions& options) {
  path.space.zero_gradient();
  PathResult result;
  for (int pass = 0; pass < options.passes; ++pass) {
    HeadRows heads{options.pools ? batch.input.sequence_starts : at::Tensor(), batch.positions};
    const auto encoded = options.needed_rows_only
                             ? path.bert.encode(batch.input, context, heads)
                             : Bert::Encoded{path.bert.encode(batch.input, context),
                                             rows_on(heads, batch.input.tokens.device())};
    auto loss = at::zeros({}, encoded.hidden.options().dtype(exact_type(encoded.hidden)));
    if (options.pools) {
      const auto pooled = path.bert.pool(encoded.hidden, encoded.rows.first);
      const auto next = path.bert.next_sentence_logits(pooled);
      const auto exact = next.to(exact_type(next));
      loss = exact.pow(2).sum() + exact.select(1, 0).sum();
    }
    if (batch.labels.numel() > 0) {
      const auto masked =
          path.bert.masked_lm_loss(encoded.hidden, encoded.rows.masked, batch.labels);
      loss = loss + masked.sum / static_cast<double>(batch.labels.numel());
      result.correct = masked.correct.item<std::int64_t>();
    }
    loss.backward();
    result.hidden = encoded.hidden.detach();
    result.loss = loss.detach();
  }
  result.gradient = path.space.gradient().clone();
  return result;
}
inline PathResult run_path(TestPath& path, const TestBatch& batch, const ForwardContext& context,
                           int passes = 1) {
  return run_path(path, batch, context, PathOptions{.passes = passes});
}

inline double relative_distance(const at::Tensor& ours, const at::Tensor& theirs) {
  const auto size = theirs.to(at::kDouble).norm().item<double>();
  const auto distance = (ours.to(at::kDouble) - theirs.to(at::kDouble)).norm().item<double>();
  return size == 0 ? distance : distance / size;
}

// The part of a flat gradient that belongs to a parameter.
inline at::Tensor part_of(const at::Tensor& flat, const ParameterInfo& info) {
  return flat.narrow(0, info.offset, info.elements);
}

// Loss and gradients but for the rounding of fp32 sums in another order: each tensor within 1e-5.
// The key's bias has a gradient of zero in exact arithmetic (a softmax does not see a shift), so it
// is measured against the whole.
inline void expect_same_learning(const PathResult& ours, const PathResult& theirs,
                                 const ParameterSpace& space) {
  EXPECT_LE(relative_distance(ours.loss, theirs.loss), 1e-5);
  EXPECT_EQ(ours.correct, theirs.correct);
  const double whole = theirs.gradient.norm().item<double>();
  EXPECT_GT(whole, 0);
  for (const auto& info : space.parameters()) {
    const auto expected = part_of(theirs.gradient, info), got = part_of(ours.gradient, info);
    const double error = (got - expected).norm().item<double>();
    const double size = expected.norm().item<double>();
    EXPECT_LE(error, info.name.ends_with("key.bias") ? 1e-6 * whole : 1e-5 * size)
        << info.name << ", relative " << error / size;
  }
}

}  // namespace bertha
