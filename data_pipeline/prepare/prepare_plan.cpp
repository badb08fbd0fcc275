// Validation choice and shard borders, computed in passes over the document index.
#include "data_pipeline/prepare/prepare_plan.h"

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

double hash_of(std::uint64_t seed, std::uint64_t document) {
  return Philox(seed, RandomPurpose::validation_split, document).next_double();
}

std::uint64_t count_documents(DocumentWalk walk) {
  std::uint64_t documents = 0;
  SpilledDocument document;
  while (walk.next(document)) ++documents;
  return documents;
}

void count_split_tokens(DocumentWalk walk, ShardPlan& plan) {
  SpilledDocument document;
  while (walk.next(document)) {
    plan.split_tokens[plan.rule.split_of(document.number)] += document.tokens;
  }
}

void fill_shards(DocumentWalk walk, ShardPlan& plan) {
  SpilledDocument document;
  ShardWalk shards(plan);
  while (walk.next(document)) {
    const auto place = shards.place(document);
    auto& split = plan.shards[place.split];
    if (place.shard == split.size()) split.emplace_back();
    PlannedShard& shard = split[place.shard];
    ++shard.documents;
    shard.sentences += document.sentences;
    shard.tokens += document.tokens;
  }
}

}  // namespace

SplitRule::SplitRule(const PlanOptions& options, std::uint64_t documents)
    : fraction_(options.validation_fraction), seed_(options.seed) {
  if (fraction_ <= 0 || documents == 0) return;
  std::uint64_t chosen = 0, lowest = 0, highest = 0;
  double lowest_hash = 2, highest_hash = -1;
  for (std::uint64_t d = 0; d < documents; ++d) {
    const double hash = hash_of(seed_, d);
    chosen += hash < fraction_;
    if (hash < lowest_hash) lowest_hash = hash, lowest = d;
    if (hash > highest_hash) highest_hash = hash, highest = d;
  }
  if (chosen == 0 && documents >= 2) forced_validation_ = lowest;
  if (chosen == documents) forced_train_ = highest;
}

std::size_t SplitRule::split_of(std::uint64_t document) const {
  if (document == forced_validation_) return kValidation;
  if (fraction_ <= 0 || document == forced_train_) return kTrain;
  return hash_of(seed_, document) < fraction_ ? kValidation : kTrain;
}

ShardPlan plan_shards(const BeginWalk& walk, const PlanOptions& options) {
  ShardPlan plan{.rule = SplitRule(options, count_documents(walk())),
                 .split_tokens = {},
                 .wanted_shards = {},
                 .shards = {}};
  count_split_tokens(walk(), plan);
  for (const std::size_t split : {kTrain, kValidation}) {
    const std::uint64_t tokens = plan.split_tokens[split];
    plan.wanted_shards[split] =
        tokens / options.shard_tokens + (tokens % options.shard_tokens != 0);
  }
  fill_shards(walk(), plan);
  for (const auto& shards : plan.shards) {
    if (shards.size() > kMostShards) {
      throw Error(ErrorKind::usage,
                  fmt::format("prepare.shard_tokens = {} makes {} shards; at most {} are possible",
                              options.shard_tokens, shards.size(), kMostShards),
                  "raise prepare.shard_tokens");
    }
  }
  return plan;
}

ShardWalk::Place ShardWalk::place(const SpilledDocument& document) {
  const std::size_t name = plan_.rule.split_of(document.number);
  Split& split = splits_[name];
  // The stretch that the document's middle falls into.
  const std::uint64_t middle = split.tokens + document.tokens / 2;
  const auto stretch = static_cast<std::uint64_t>(
      static_cast<Wide>(middle) * plan_.wanted_shards[name] / plan_.split_tokens[name]);
  if (split.begun && stretch != split.stretch) ++split.shard;
  split.begun = true;
  split.stretch = stretch;
  split.tokens += document.tokens;
  return {name, split.shard};
}

}  // namespace bertha
