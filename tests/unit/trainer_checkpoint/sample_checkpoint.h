// Contents of a small checkpoint, the same on every rank but for the moments that each one owns.
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "parallel/base/rank_info.h"
#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {

inline const std::vector<std::pair<std::string, std::int64_t>> kSampleParameters{
    {"bert.embeddings.word_embeddings.weight", 37},
    {"bert.pooler.dense.bias", 5},
    {"bert.pooler.dense.weight", 64},
    {"cls.predictions.bias", 1}};

// Element i of a moment of parameter p in step s: no two alike.
inline at::Tensor sample_moment(std::size_t parameter, bool second, std::int64_t step) {
  return at::arange(kSampleParameters[parameter].second, at::kFloat) +
         static_cast<double>(1000 * parameter + (second ? 500 : 0) + 10'000 * step);
}

// What `rank` of `ranks` owns when all elements, end to end, are shared out evenly.
inline std::vector<MomentSlice> sample_slices(int rank, int ranks, std::int64_t step) {
  std::int64_t total = 0, offset = 0;
  for (const auto& [name, elements] : kSampleParameters) total += elements;
  const auto from = total * rank / ranks, to = total * (rank + 1) / ranks;
  std::vector<MomentSlice> slices;
  for (std::size_t p = 0; p < kSampleParameters.size(); ++p) {
    const auto& [name, elements] = kSampleParameters[p];
    const auto begin = std::max(from, offset) - offset;
    const auto end = std::min(to, offset + elements) - offset;
    for (const bool second : {false, true}) {
      if (begin >= end) continue;
      slices.push_back({name, second ? "exp_avg_sq" : "exp_avg", begin, end,
                        sample_moment(p, second, step).slice(0, begin, end)});
    }
    offset += elements;
  }
  return slices;
}

inline CheckpointContents sample_contents(const RankInfo& rank, std::int64_t step) {
  CheckpointContents contents;
  contents.state.step = step;
  contents.state.world_size = rank.world_size;
  contents.state.options["train.steps"] = "100";
  for (const auto& [name, elements] : kSampleParameters) {
    contents.weights.push_back({name, at::arange(elements, at::kFloat) / (step + 1)});
  }
  contents.moments = sample_slices(rank.rank, rank.world_size, step);
  contents.files = {{"config.json", "{\"model_type\": \"bert\"}"}, {"vocab.txt", "[PAD]\n"}};
  return contents;
}

}  // namespace bertha
