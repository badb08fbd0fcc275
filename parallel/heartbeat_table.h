// What rank 0 knows of the others from their heartbeats, and what that says about a hang. Pure: no
// sockets, no clock of its own.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// What a rank is doing. The sequence number counts its collectives; all ranks make the same ones,
// so who has a smaller number has not arrived where the others wait.
struct RankActivity {
  std::uint64_t sequence = 0;  // of the last collective that was entered; 0: none yet
  std::uint64_t bytes = 0;     // that it moves
  double idle_seconds = 0;     // since the last progress
  bool blocked = false;        // waits in a collective for others
  std::array<char, 32> operation{}, phase{};  // ends with a zero
};
std::array<char, 32> short_text(std::string_view text);

class HeartbeatTable {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HeartbeatTable(int world_size) : entries_(static_cast<std::size_t>(world_size)) {}

  void heard(int rank, const RankActivity& activity, Clock::time_point now);

  // Where the furthest rank is, and which ranks hold it up, each with what is known of it: those
  // not heard of for `silence`, those that have not arrived, those in another collective. Empty:
  // none.
  std::string held_up_by(Clock::time_point now, Clock::duration silence) const;

 private:
  struct Entry {
    RankActivity activity;
    Clock::time_point heard{};
    bool known = false;
  };
  struct Finding {
    int order = 0;
    std::string text;
  };
  static Finding judge(const Entry& entry, const RankActivity& furthest, Clock::time_point now,
                       Clock::duration silence);
  std::vector<Entry> entries_;
};

}  // namespace bertha
