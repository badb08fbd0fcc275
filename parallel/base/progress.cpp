// Drawing of the progress line and the wording of numbers.
#include "parallel/base/progress.h"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "parallel/base/log.h"

namespace bertha {
namespace {

constexpr double kQuietSeconds = 2.0;      // short jobs show nothing
constexpr double kTerminalInterval = 0.2;  // seconds between redraws
constexpr double kPlainInterval = 10.0;    // seconds between plain lines

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

ProgressBar::ProgressBar(std::string label, std::uint64_t total, std::string unit, bool enabled)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(enabled),
      terminal_(::isatty(STDERR_FILENO) == 1),
      began_(Clock::now()),
      last_drawn_(began_) {
  if (!enabled_ || !terminal_) return;
  set_log_line_hooks({[](void* self) { static_cast<ProgressBar*>(self)->erase(); }, nullptr, this});
}

ProgressBar::~ProgressBar() {
  if (!enabled_ || !terminal_) return;
  set_log_line_hooks({});
  erase();
}

void ProgressBar::set_start(std::uint64_t done_before) {
  start_ = done_ = done_before;
}

void ProgressBar::update(std::uint64_t done, const std::string& note) {
  if (!enabled_) return;
  done_ = done;
  note_ = note;
  const auto now = Clock::now();
  if (seconds_between(began_, now) < kQuietSeconds) return;
  if (seconds_between(last_drawn_, now) < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
  last_drawn_ = now;
  draw();
}

void ProgressBar::show_phase(const std::string& phase) {
  const auto now = Clock::now();
  if (!enabled_ || !terminal_ || seconds_between(began_, now) < kQuietSeconds) return;
  note_ = phase;
  last_drawn_ = now;
  draw();
}

void ProgressBar::erase() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressBar::draw() {
  if (!terminal_) return log_info(line(200));
  std::fprintf(stderr, "\r\033[K%s", line(terminal_columns() - 1).c_str());
  std::fflush(stderr);
  drawn_ = true;
}

// What does not fit goes in this order: the bar, the speed, the note, the counts, the time left.
std::string ProgressBar::line(int columns) const {
  std::string text;
  for (int detail = 4; detail >= -1; --detail) {
    text = line_of(detail);
    if (static_cast<int>(text.size()) <= columns) return text;
  }
  text.resize(static_cast<std::size_t>(std::max(columns, 0)));
  return text;
}

std::string ProgressBar::line_of(int detail) const {
  const double elapsed = seconds_between(began_, last_drawn_);
  const double rate =
      static_cast<double>(done_ - std::min(start_, done_)) / std::max(elapsed, 1e-9);
  const auto number = [&](double value) {
    return unit_ == "B" ? human_bytes(value) : human_count(value);
  };
  const auto count = [&](double value) {
    return unit_ == "B" ? human_bytes(value) : human_count(value) + " " + unit_;
  };
  std::string text = label_;
  const auto done = static_cast<double>(done_), total = static_cast<double>(total_);
  if (total_ > 0) {
    const double part = std::min(1.0, done / total);
    constexpr int kBarWidth = 20;
    text += fmt::format(" {:3.0f}%", part * 100);
    if (detail >= 4) {
      const int filled = static_cast<int>(part * kBarWidth);
      text += fmt::format(" [{:<{}}]", std::string(filled, '#'), kBarWidth);
    }
    if (detail >= 1) text += fmt::format(" {} of {}", number(done), count(total));
  } else {
    text += " " + count(done);
  }
  if (!note_.empty() && detail >= 2) text += ", " + note_;
  if (rate <= 0 || detail < 0) return text;
  if (detail >= 3) text += ", " + count(rate) + "/s";
  if (total_ > done_) text += ", " + human_seconds((total - done) / rate) + " left";
  return text;
}

std::string human_bytes(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  while (bytes >= 1000 && unit < 4) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, units[unit]);
}

std::string human_seconds(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string human_count(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.1f} k", count / 1e3);
  const bool whole = count == static_cast<double>(static_cast<long long>(count));
  if (whole || count >= 100) return fmt::format("{:.0f}", count);
  return fmt::format("{:.{}f}", count, count < 1 ? 2 : 1);
}

}  // namespace bertha
