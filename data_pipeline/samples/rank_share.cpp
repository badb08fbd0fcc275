// Longest first, to the least loaded rank; ties go to the earlier place and the lower rank.
#include "data_pipeline/samples/rank_share.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

namespace bertha {
namespace {

constexpr std::size_t kMicroBatchMultiple = 8;

// Who gets each place, of `receivers` that are to have about as many tokens.
std::vector<std::vector<std::size_t>> balanced_shares(std::span<const int> lengths,
                                                      std::size_t receivers) {
  std::vector<std::size_t> places(lengths.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::vector<std::vector<std::size_t>> shares(receivers);
  if (receivers == 1) {
    shares.front() = std::move(places);
    return shares;
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  using Load = std::pair<std::int64_t, std::size_t>;  // tokens, receiver
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::size_t r = 0; r < receivers; ++r) loads.emplace(0, r);
  for (const auto place : places) {
    const auto [tokens, receiver] = loads.top();
    loads.pop();
    loads.emplace(tokens + lengths[place], receiver);
    shares[receiver].push_back(place);
  }
  for (auto& share : shares) std::sort(share.begin(), share.end());
  return shares;
}

}  // namespace

std::vector<std::size_t> rank_share(std::span<const int> lengths, const RankInfo& rank) {
  auto shares =
      balanced_shares(lengths, static_cast<std::size_t>(std::max(1, rank.world_size)));
  return std::move(shares[static_cast<std::size_t>(rank.rank)]);
}

std::vector<std::vector<std::size_t>> fixed_micro_batches(std::span<const int> lengths,
                                                          std::int64_t token_budget) {
  if (lengths.empty()) return {};
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const auto budget = std::max<std::int64_t>(1, token_budget);
  const auto needed = static_cast<std::size_t>((tokens + budget - 1) / budget);
  const auto rounded = (std::max<std::size_t>(1, needed) + kMicroBatchMultiple - 1) /
                       kMicroBatchMultiple * kMicroBatchMultiple;
  return balanced_shares(lengths, std::min(rounded, lengths.size()));
}

MicroBatchRange micro_batches_of(std::size_t count, const RankInfo& rank) {
  const auto world = static_cast<std::size_t>(std::max(1, rank.world_size));
  const auto number = static_cast<std::size_t>(rank.rank);
  return {count * number / world, count * (number + 1) / world};
}

}  // namespace bertha
