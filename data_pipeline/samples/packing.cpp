// Longest first: to the cheapest share, or where the least room stays free.
#include "data_pipeline/samples/packing.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <set>
#include <utility>

namespace bertha {
namespace {

constexpr std::size_t kFixedMultiple = 8;
// A layer's products cost 12 h^2 a token, its attention 2 h a pair of tokens (forward, in
// multiply-adds): a token of a sequence of L costs as 6 h + L. BERT-base's h; large is near enough.
constexpr std::int64_t kTokensOfProducts = 6 * 768;

// Ties keep the order of the places, so that every rank finds the same.
Places longest_first(std::span<const int> lengths) {
  Places places(lengths.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  return places;
}

void sort_each(std::vector<Places>& shares) {
  for (auto& share : shares) std::sort(share.begin(), share.end());
}

bool fit(const std::vector<Places>& shares, std::span<const int> lengths, std::int64_t budget) {
  return std::ranges::all_of(shares, [&](const Places& share) {
    std::int64_t tokens = 0;
    for (const auto place : share) tokens += lengths[place];
    return tokens <= budget || share.size() == 1;
  });
}

// Best fit decreasing: each sequence where the least room stays free behind it.
std::vector<Places> tight_shares(std::span<const int> lengths, std::int64_t budget) {
  std::vector<Places> shares;
  std::set<std::pair<std::int64_t, std::size_t>> rooms;  // left, share
  for (const auto place : longest_first(lengths)) {
    const std::int64_t length = lengths[place];
    auto found = rooms.lower_bound({length, 0});
    if (found == rooms.end()) {
      shares.emplace_back();
      found = rooms.emplace(std::max(budget, length), shares.size() - 1).first;
    }
    // The node is moved, not made anew.
    auto room = rooms.extract(found);
    room.value().first -= length;
    shares[room.value().second].push_back(place);
    rooms.insert(std::move(room));
  }
  sort_each(shares);
  return shares;
}

// So many shares that each of the ranks of a fixed plan gets as many: the fullest are halved.
void split_to(std::size_t count, std::vector<Places>& shares) {
  while (shares.size() < count) {
    auto& fullest = *std::ranges::max_element(shares, {}, &Places::size);
    const auto half = fullest.begin() + static_cast<std::ptrdiff_t>(fullest.size() / 2);
    Places rest(half, fullest.end());
    fullest.erase(half, fullest.end());
    shares.push_back(std::move(rest));
  }
}

}  // namespace

std::int64_t training_cost(int tokens) {
  return tokens * (kTokensOfProducts + tokens);
}

std::vector<Places> even_shares(std::span<const int> lengths, std::size_t count) {
  std::vector<Places> shares(std::max<std::size_t>(1, count));
  using Load = std::pair<std::int64_t, std::size_t>;  // cost, share
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::size_t s = 0; s < shares.size(); ++s) loads.emplace(0, s);
  for (const auto place : longest_first(lengths)) {
    const auto [cost, share] = loads.top();
    loads.pop();
    loads.emplace(cost + training_cost(lengths[place]), share);
    shares[share].push_back(place);
  }
  sort_each(shares);
  return shares;
}

Places rank_share(std::span<const int> lengths, const RankInfo& rank) {
  auto shares = even_shares(lengths, static_cast<std::size_t>(std::max(1, rank.world_size)));
  return std::move(shares[static_cast<std::size_t>(rank.rank)]);
}

std::vector<Places> pack(std::span<const int> lengths, std::int64_t token_budget,
                         std::size_t multiple) {
  if (lengths.empty()) return {};
  const auto budget = std::max<std::int64_t>(1, token_budget);
  const auto rounded = [&](std::size_t count) {
    return std::min((count + multiple - 1) / multiple * multiple, lengths.size());
  };
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const auto fewest = std::max<std::int64_t>(1, (tokens + budget - 1) / budget);
  const auto count = rounded(static_cast<std::size_t>(fewest));
  auto shares = even_shares(lengths, count);
  if (fit(shares, lengths, budget)) return shares;
  auto tight = tight_shares(lengths, budget);
  const auto enough = rounded(tight.size());
  if (enough > count) {
    shares = even_shares(lengths, enough);
    if (fit(shares, lengths, budget)) return shares;
  }
  split_to(enough, tight);
  return tight;
}

std::vector<Places> fixed_micro_batches(std::span<const int> lengths, std::int64_t token_budget) {
  return pack(lengths, token_budget, kFixedMultiple);
}

MicroBatchRange micro_batches_of(std::size_t count, const RankInfo& rank) {
  const auto world = static_cast<std::size_t>(std::max(1, rank.world_size));
  const auto number = static_cast<std::size_t>(rank.rank);
  return {count * number / world, count * (number + 1) / world};
}

}  // namespace bertha
