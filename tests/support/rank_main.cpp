// main() of the rank tests: GoogleTest on every rank, one verdict for all. A rank that fails, that
// runs no test, that hangs, or a world size other than the promised one turns every rank red.
// Reads BERTHA_EXPECTED_RANKS (required) and BERTHA_RANK_TIMEOUT_SECONDS (a test's limit, 90).
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/mpi_environment.h"
#include "parallel/watchdog.h"

namespace {

int number_in_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

void say(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

// Prints failures with the rank, keeps the watchdog informed, and brings the ranks together after
// every test, so that one that failed early cannot meet the others in the next test's collectives.
class RankListener : public testing::EmptyTestEventListener {
 public:
  RankListener(const bertha::RankInfo& ranks, bertha::Watchdog& watchdog)
      : ranks_(ranks), watchdog_(watchdog) {}

  int tests_run() const { return tests_run_; }

  void OnTestStart(const testing::TestInfo& info) override {
    names_.push_back(std::string(info.test_suite_name()) + "." + info.name());
    watchdog_.report(names_.back().c_str());
  }

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || ranks_.is_root()) return;  // rank 0 has GoogleTest's own printer
    say(fmt::format("[rank {}] {}:{}: Failure in {}\n{}\n", ranks_.rank,
                    result.file_name() ? result.file_name() : "?", result.line_number(),
                    names_.empty() ? "?" : names_.back(), result.message()));
  }

  void OnTestEnd(const testing::TestInfo& info) override {
    if (!info.result()->Skipped()) ++tests_run_;
    MPI_Barrier(MPI_COMM_WORLD);
  }

 private:
  const bertha::RankInfo& ranks_;
  bertha::Watchdog& watchdog_;
  std::deque<std::string> names_;  // the watchdog keeps pointers to them
  int tests_run_ = 0;
};

// 0 only if every rank passed something and failed nothing.
int agreed_verdict(bool failed, int tests_run, const bertha::RankInfo& ranks) {
  if (tests_run == 0) say(fmt::format("[rank {}] ran no test\n", ranks.rank));
  int mine = failed || tests_run == 0 ? 1 : 0;
  int failing_ranks = 0;
  MPI_Allreduce(&mine, &failing_ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (failing_ranks > 0 && ranks.is_root()) {
    say(fmt::format("FAILED on {} of {} ranks\n", failing_ranks, ranks.world_size));
  }
  return failing_ranks > 0 ? 1 : 0;
}

int run_tests(const bertha::RankInfo& ranks) {
  bertha::set_log_rank(ranks.rank, ranks.world_size);
  const int expected = number_in_environment("BERTHA_EXPECTED_RANKS", 0);
  if (expected != ranks.world_size) {
    say(fmt::format("[rank {}] {} ranks were promised (BERTHA_EXPECTED_RANKS), {} are here\n",
                    ranks.rank, expected, ranks.world_size));
    return 1;
  }
  bertha::Watchdog watchdog(
      std::chrono::seconds(number_in_environment("BERTHA_RANK_TIMEOUT_SECONDS", 90)));
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!ranks.is_root()) delete listeners.Release(listeners.default_result_printer());
  auto* listener = new RankListener(ranks, watchdog);
  listeners.Append(listener);  // owns it
  const bool failed = RUN_ALL_TESTS() != 0;
  watchdog.report("agreeing on the verdict");
  const int verdict = agreed_verdict(failed, listener->tests_run(), ranks);
  listeners.Release(listener);
  delete listener;
  return verdict;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    const bertha::MpiEnvironment mpi;
    return run_tests(mpi.rank_info());
  } catch (const bertha::Error& error) {
    say(fmt::format("bertha: error: {} ({})\n", error.message(), error.where()));
    return error.exit_code();
  } catch (const std::exception& error) {
    say(fmt::format("rank test: {}\n", error.what()));
    return 70;
  }
}
