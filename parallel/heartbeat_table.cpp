// The furthest collective that anybody entered, and who is not in it.
#include "parallel/heartbeat_table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::size_t kNamedRanks = 8;  // a whole node may be gone

std::string name_of(const RankActivity& activity) {
  if (activity.sequence == 0) return "no collective yet";
  return fmt::format("{} #{} of {} bytes", activity.operation.data(), activity.sequence,
                     activity.bytes);
}

bool same_collective(const RankActivity& a, const RankActivity& b) {
  return a.operation == b.operation && a.bytes == b.bytes;
}

}  // namespace

std::array<char, 32> short_text(std::string_view text) {
  std::array<char, 32> chars{};
  text.copy(chars.data(), chars.size() - 1);
  return chars;
}

void HeartbeatTable::heard(int rank, const RankActivity& activity, Clock::time_point now) {
  if (rank < 0 || static_cast<std::size_t>(rank) >= entries_.size()) return;
  entries_[static_cast<std::size_t>(rank)] = {activity, now, true};
}

// What is wrong with a rank, worst first; empty: nothing.
HeartbeatTable::Finding HeartbeatTable::judge(const Entry& entry, const RankActivity& furthest,
                                              Clock::time_point now, Clock::duration silence) {
  const auto& activity = entry.activity;
  if (!entry.known) return {0, "was never heard of"};
  if (now - entry.heard > silence) {
    return {0, fmt::format("silent for {:.0f} s (stopped or dead), last in phase \"{}\", {}",
                           std::chrono::duration<double>(now - entry.heard).count(),
                           activity.phase.data(), name_of(activity))};
  }
  if (activity.sequence == furthest.sequence && !same_collective(activity, furthest)) {
    return {0, fmt::format("is elsewhere: in {}", name_of(activity))};
  }
  if (!activity.blocked && (activity.sequence < furthest.sequence || furthest.blocked)) {
    return {1, fmt::format("has not arrived: in phase \"{}\" for {:.0f} s, after {}",
                           activity.phase.data(), activity.idle_seconds, name_of(activity))};
  }
  if (activity.sequence < furthest.sequence) {
    return {2, fmt::format("still waits in {}", name_of(activity))};
  }
  return {};
}

std::string HeartbeatTable::held_up_by(Clock::time_point now, Clock::duration silence) const {
  const RankActivity* furthest = nullptr;
  for (const auto& [activity, heard, known] : entries_) {
    if (!known) continue;
    const auto before = [](const RankActivity& a, const RankActivity& b) {
      return a.sequence != b.sequence ? a.sequence < b.sequence : a.blocked < b.blocked;
    };
    if (!furthest || before(*furthest, activity)) furthest = &activity;
  }
  if (!furthest) return {};
  std::vector<std::pair<int, std::string>> findings;
  for (std::size_t rank = 0; rank < entries_.size(); ++rank) {
    const auto finding = judge(entries_[rank], *furthest, now, silence);
    if (finding.text.empty()) continue;
    findings.emplace_back(finding.order, fmt::format("rank {} {}", rank, finding.text));
  }
  if (findings.empty()) return {};
  std::ranges::stable_sort(findings, {}, [](const auto& finding) { return finding.first; });
  auto all = fmt::format("the job stands at {}", name_of(*furthest));
  for (std::size_t i = 0; i < std::min(findings.size(), kNamedRanks); ++i) {
    all += (i == 0 ? ": " : "; ") + findings[i].second;
  }
  if (findings.size() > kNamedRanks) {
    all += fmt::format("; and {} more", findings.size() - kNamedRanks);
  }
  return all;
}

}  // namespace bertha
