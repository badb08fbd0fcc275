// Shows how far a long job is: one calm line on a terminal, a plain line now and then elsewhere.
// Rank 0 only; other ranks construct it disabled. One at a time per process. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bertha {

class ProgressBar {
 public:
  // `total` 0: unknown. Nothing is shown until two seconds have passed.
  ProgressBar(std::string label, std::uint64_t total, std::string unit, bool enabled);
  ~ProgressBar();  // erases the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Work done so far, and a short note such as "loss 6.12". Cheap when called often.
  void update(std::uint64_t done, const std::string& note = {});
  void set_total(std::uint64_t total) { total_ = total; }
  // What goes on that is not counted, such as "validating": shown at once, on a terminal.
  void show_phase(const std::string& phase);
  // Work that was done before this process started (a resumed run): left out of the estimate.
  void set_start(std::uint64_t done_before);
  // What is shown, in so many columns at most.
  std::string line(int columns) const;

 private:
  using Clock = std::chrono::steady_clock;
  void erase();
  void draw();
  std::string line_of(int detail) const;

  std::string label_, unit_, note_;
  std::uint64_t total_, done_ = 0, start_ = 0;
  bool enabled_, terminal_, drawn_ = false;
  Clock::time_point began_, last_drawn_;
};

// "1.2 GB", "35 s", "2 h 05 min", "12.3 M": for people.
std::string human_bytes(double bytes);
std::string human_seconds(double seconds);
std::string human_count(double count);

}  // namespace bertha
