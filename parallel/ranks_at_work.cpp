// A sign and a number from every rank.
#include "parallel/ranks_at_work.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bertha {
namespace {

constexpr char kDone = '+', kNotDone = '-';
constexpr std::size_t kNamedRanks = 8;

bool is_done(const std::string& told) {
  return told.front() == kDone;
}

// Empty: of nobody.
std::string said_of(std::vector<std::size_t> ranks, const char* of_one, const char* of_several) {
  if (ranks.empty()) return {};
  if (ranks.size() == 1) return fmt::format("rank {} {}", ranks.front(), of_one);
  const auto count = ranks.size();
  ranks.resize(std::min(count, kNamedRanks));
  auto text = fmt::format("ranks {}", fmt::join(ranks, ", "));
  if (count > kNamedRanks) text += fmt::format(" and {} more", count - kNamedRanks);
  return fmt::format("{} {}", text, of_several);
}

}  // namespace

bool RanksAtWork::ask(Communicator& communicator, bool done, std::uint64_t progress) {
  auto told = communicator.gather_bytes(fmt::format("{}{}", done ? kDone : kNotDone, progress));
  got_on_ = told != told_;
  stands_.resize(told.size(), true);
  for (std::size_t rank = 0; rank < told.size(); ++rank) {
    const bool moved = rank < told_.size() && told[rank] != told_[rank];
    if (moved || is_done(told[rank])) stands_[rank] = false;
  }
  told_ = std::move(told);
  all_got_on_ = std::ranges::find(stands_, true) == stands_.end();
  if (all_got_on_) stands_.assign(stands_.size(), true);
  return std::ranges::all_of(told_, is_done);
}

std::string RanksAtWork::behind() const {
  std::vector<std::size_t> ranks;
  for (std::size_t rank = 0; rank < told_.size(); ++rank) {
    if (!is_done(told_[rank])) ranks.push_back(rank);
  }
  if (told_.size() == 1) return {};
  return said_of(std::move(ranks), "is not done", "are not done");
}

std::string RanksAtWork::standing() const {
  std::vector<std::size_t> ranks;
  for (std::size_t rank = 0; rank < told_.size(); ++rank) {
    if (!is_done(told_[rank]) && stands_[rank]) ranks.push_back(rank);
  }
  return said_of(std::move(ranks), "gets no further", "get no further");
}

}  // namespace bertha
