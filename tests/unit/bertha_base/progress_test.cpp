// Numbers for people, and a progress line that stays out of the way of logs.
#include "parallel/base/progress.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <regex>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/log.h"

namespace bertha {
namespace {

TEST(Progress, WritesBytesForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1500), "1.5 kB");
  EXPECT_EQ(human_bytes(123'456'789), "123 MB");
  EXPECT_EQ(human_bytes(5e15), "5000 TB");
}

TEST(Progress, WritesTimesForPeople) {
  EXPECT_EQ(human_seconds(0.04), "0.0 s");
  EXPECT_EQ(human_seconds(9.94), "9.9 s");
  EXPECT_EQ(human_seconds(35.2), "35 s");
  EXPECT_EQ(human_seconds(119.4), "119 s");
  EXPECT_EQ(human_seconds(125), "2 min 05 s");
  EXPECT_EQ(human_seconds(7500), "2 h 05 min");
}

TEST(Progress, WritesCountsForPeople) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(0.123), "0.12");
  EXPECT_EQ(human_count(12.34), "12.3");
  EXPECT_EQ(human_count(972.8), "973");
  EXPECT_EQ(human_count(9999), "9999");
  EXPECT_EQ(human_count(12'345), "12.3 k");
  EXPECT_EQ(human_count(12'345'678), "12.35 M");
  EXPECT_EQ(human_count(3.2e9), "3.20 G");
}

TEST(Progress, TheLineShowsTheShareThatIsDone) {
  using ::testing::StartsWith;
  ProgressBar bar("write shards", 2000, "tokens", true);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards   0% [                    ] 0 of 2000 tokens"));
  bar.update(500);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards  25% [#####               ] 500 of 2000 tokens"));
  bar.update(2000);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards 100% [####################] 2000 of 2000 tokens"));
  EXPECT_EQ(bar.line(40), "write shards 100% 2000 of 2000 tokens");
  EXPECT_EQ(bar.line(17), "write shards 100%");
  EXPECT_EQ(bar.line(5), "write");
}

// Standard error on a terminal, as long as this lives.
class Terminal {
 public:
  Terminal() : before_(::dup(STDERR_FILENO)), mine_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    if (mine_ < 0 || ::grantpt(mine_) != 0 || ::unlockpt(mine_) != 0) return;
    const int theirs = ::open(::ptsname(mine_), O_RDWR | O_NOCTTY);
    ::dup2(theirs, STDERR_FILENO);
    ::close(theirs);
  }
  ~Terminal() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(mine_);
  }
  static bool is_there() { return ::isatty(STDERR_FILENO) == 1; }
  std::string shown() const {
    std::string text(10000, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(mine_, text.data(), 10000))));
    return text;
  }

 private:
  int before_, mine_;
};

// "3 min 05 s left" in a line, in seconds; -1 without.
double seconds_left(const std::string& line) {
  std::smatch found;
  if (!std::regex_search(line, found, std::regex(", (?:(\\d+) min )?([0-9.]+) s left"))) return -1;
  return 60 * (found[1].matched ? std::stod(found[1]) : 0) + std::stod(found[2]);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// What is left takes as long as what was done; what a run before did counts for nothing.
TEST(Progress, TellsTheTimeLeft) {
  const Terminal terminal;
  if (!Terminal::is_there()) GTEST_SKIP() << "no terminal can be made here";
  const auto before = std::chrono::steady_clock::now();
  ProgressBar fresh("tokenize", 2000, "B", true), resumed("tokenize", 2000, "B", true);
  const auto begin = std::chrono::steady_clock::now();
  resumed.set_start(400);
  std::this_thread::sleep_for(std::chrono::milliseconds(2050));  // before that nothing is shown
  const double least = seconds_since(begin);
  fresh.update(500);
  EXPECT_NE(terminal.shown().find(" s left"), std::string::npos);
  resumed.update(500);
  const double most = seconds_since(before);
  const double rounding = 0.6;
  EXPECT_GE(seconds_left(fresh.line(200)), 3 * least - rounding) << fresh.line(200);
  EXPECT_LE(seconds_left(fresh.line(200)), 3 * most + rounding) << fresh.line(200);
  EXPECT_GE(seconds_left(resumed.line(200)), 15 * least - rounding) << resumed.line(200);
  EXPECT_LE(seconds_left(resumed.line(200)), 15 * most + rounding) << resumed.line(200);
  fresh.update(2000);
  EXPECT_EQ(seconds_left(fresh.line(200)), -1) << fresh.line(200);
}

TEST(Progress, ShortAndDisabledJobsSayNothing) {
  testing::internal::CaptureStderr();
  {
    ProgressBar quick("prepare", 10, "steps", true);
    ProgressBar disabled("prepare", 10, "steps", false);
    for (std::uint64_t i = 0; i <= 10; ++i) {
      quick.update(i, "loss 1.0");
      disabled.update(i);
    }
    log_info("beside it");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "bertha: beside it\n");
}

}  // namespace
}  // namespace bertha
