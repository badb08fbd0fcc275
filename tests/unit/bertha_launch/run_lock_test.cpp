// The lock of a run folder: one holder at a time, named to the others, and gone with its process.
#include "launch/run_lock.h"

#include <csignal>
#include <memory>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>

#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

// "64 message | remedy" of what taking the lock throws; nothing when it is free.
std::string refusal(const std::filesystem::path& folder) {
  try {
    const RunLock lock(folder, milliseconds(0));
    EXPECT_TRUE(lock.held());
  } catch (const Error& error) {
    return std::to_string(error.exit_code()) + " " + error.message() + " | " + error.remedy();
  }
  return {};
}

class RunLocks : public OptionTest {
 protected:
  std::filesystem::path run_ = folder_ / "new" / "run";
};

TEST_F(RunLocks, AreHeldByOneAtATimeAndNameTheHolder) {
  {
    const RunLock first(run_, milliseconds(0));
    EXPECT_TRUE(first.held());
    EXPECT_THAT(refusal(run_),
                AllOf(HasSubstr("64 another run holds " + run_.string() + ": host "),
                      HasSubstr(", process " + std::to_string(::getpid()) + ", since 20"),
                      HasSubstr("another train.output")));
    EXPECT_THAT(refusal(run_), HasSubstr("64 ")) << "being refused takes nothing from the holder";
    EXPECT_EQ(refusal(folder_ / "other"), "");
  }
  EXPECT_EQ(refusal(run_), "");
  EXPECT_TRUE(std::filesystem::exists(run_ / "run.lock")) << "it may stay, and means nothing";
}

TEST_F(RunLocks, EndWithAProcessThatIsKilled) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunLock lock(run_, milliseconds(0));
    const char byte = lock.held() ? 'y' : 'n';
    if (::write(told[1], &byte, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_THAT(refusal(run_), HasSubstr(", process " + std::to_string(child) + ", since"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal(run_), "");
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(RunLocks, AreWaitedForALittle) {
  auto first = std::make_unique<RunLock>(run_, milliseconds(0));
  std::jthread soon([&] {
    std::this_thread::sleep_for(milliseconds(300));
    first.reset();
  });
  EXPECT_TRUE(RunLock(run_, std::chrono::seconds(30)).held());
}

// What is wrong with such a folder is said by whoever writes into it next.
TEST_F(RunLocks, LeaveAFolderThatCannotBeWrittenToAlone) {
  const auto file = ini("file", "x");
  EXPECT_FALSE(RunLock(std::filesystem::path(file) / "run").held());
  EXPECT_FALSE(RunLock("/proc/self/no-such-run").held());
  EXPECT_FALSE(RunLock().held());
}

}  // namespace
}  // namespace bertha
