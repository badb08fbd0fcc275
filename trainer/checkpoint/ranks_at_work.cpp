// A sign and a number from every rank.
#include "trainer/checkpoint/ranks_at_work.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bertha {
namespace {

constexpr char kDone = '+', kNotDone = '-';
constexpr std::size_t kNamedRanks = 8;

}  // namespace

bool RanksAtWork::ask(Communicator& communicator, bool done, std::uint64_t progress) {
  auto told = communicator.gather_bytes(fmt::format("{}{}", done ? kDone : kNotDone, progress));
  got_on_ = told != told_;
  told_ = std::move(told);
  return std::all_of(told_.begin(), told_.end(),
                     [](const auto& text) { return text.front() == kDone; });
}

std::string RanksAtWork::behind() const {
  std::vector<std::size_t> ranks;
  for (std::size_t rank = 0; rank < told_.size(); ++rank) {
    if (told_[rank].front() == kNotDone) ranks.push_back(rank);
  }
  if (ranks.empty() || told_.size() == 1) return {};
  if (ranks.size() == 1) return fmt::format("rank {} is not done", ranks.front());
  const auto count = ranks.size();
  ranks.resize(std::min(count, kNamedRanks));
  auto text = fmt::format("ranks {}", fmt::join(ranks, ", "));
  if (count > kNamedRanks) text += fmt::format(" and {} more", count - kNamedRanks);
  return text + " are not done";
}

}  // namespace bertha
