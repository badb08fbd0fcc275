// Which document goes into which shard: pure, and the same on all ranks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "data_pipeline/prepare/spill_index.h"

namespace bertha {

inline constexpr std::uint64_t kMostShards = 99999;  // of a split: five digits
inline constexpr std::size_t kTrain = 0, kValidation = 1;
inline constexpr std::array<const char*, 2> kSplitNames = {"train", "validation"};

struct PlanOptions {
  std::uint64_t shard_tokens = 0;
  double validation_fraction = 0;
  std::uint64_t seed = 0;
};

// Chooses validation documents by a hash of (seed, number). At least one where a fraction is asked
// for and there are two; and at least one is left for training.
class SplitRule {
 public:
  SplitRule(const PlanOptions& options, std::uint64_t documents);
  std::size_t split_of(std::uint64_t document) const;  // kTrain or kValidation

 private:
  double fraction_;
  std::uint64_t seed_;
  std::optional<std::uint64_t> forced_train_, forced_validation_;
};

struct PlannedShard {
  std::uint64_t documents = 0, sentences = 0, tokens = 0;
};

struct ShardPlan {
  SplitRule rule;
  std::array<std::uint64_t, 2> split_tokens{};      // by split
  std::array<std::uint64_t, 2> wanted_shards{};     // tokens / shard_tokens, rounded up
  std::array<std::vector<PlannedShard>, 2> shards;  // by split; none is empty
};

// A new walk through all documents, from the first.
using BeginWalk = std::function<DocumentWalk()>;

// Error{usage} when shard_tokens makes more shards than their names can number.
ShardPlan plan_shards(const BeginWalk& walk, const PlanOptions& options);

// Says for each document, in input order, where it goes: the borders lie at equal numbers of
// tokens, moved to the nearer end of the document they fall into.
class ShardWalk {
 public:
  struct Place {
    std::size_t split, shard;
    bool operator==(const Place&) const = default;
  };
  explicit ShardWalk(const ShardPlan& plan) : plan_(plan) {}
  Place place(const SpilledDocument& document);

 private:
  struct Split {
    std::uint64_t tokens = 0;   // placed so far
    std::uint64_t stretch = 0;  // of equal numbers of tokens
    std::size_t shard = 0;
    bool begun = false;
  };
  const ShardPlan& plan_;
  std::array<Split, 2> splits_;
};

}  // namespace bertha
