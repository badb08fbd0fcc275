// The search for a checkpoint to resume from, on several ranks: one answer, or one error, for all.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/resume.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class ResumeSearchTest : public ::testing::Test {
 protected:
  ResumeSearchTest() { options_.output = folder_ / "run"; }

  std::vector<std::string> found_by_ranks() const {
    std::vector<std::string> found(3);
    run_thread_ranks(3, [&](Communicator& communicator) {
      Watchdog watchdog(std::chrono::seconds(0));
      found[static_cast<std::size_t>(communicator.rank_info().rank)] =
          agree_on_resume_point(options_, {communicator, watchdog, false});
    });
    return found;
  }
  void save(std::int64_t step) const {
    run_thread_ranks(2, [&](Communicator& communicator) {
      CheckpointStore(options_.output / "checkpoints", communicator, {0, 0})
          .save(sample_contents(communicator.rank_info(), step));
    });
  }
  std::filesystem::path checkpoint(const std::string& name) const {
    return options_.output / "checkpoints" / name;
  }

  ScratchFolder folder_;
  TrainOptions options_;
};

TEST_F(ResumeSearchTest, GivesAllRanksTheNewestCheckpointOrNone) {
  EXPECT_THAT(found_by_ranks(), Each(""));
  save(5);
  save(7);
  EXPECT_THAT(found_by_ranks(), Each(checkpoint("step-00000007").string()));
  flip_byte(checkpoint("step-00000007") / "vocab.txt", 2);
  EXPECT_THAT(found_by_ranks(), Each(checkpoint("step-00000005").string()));
}

TEST_F(ResumeSearchTest, GivesAllRanksTheErrorOfRankZero) {
  save(5);
  flip_byte(checkpoint("step-00000005") / "vocab.txt", 2);
  EXPECT_THAT(error_of([&] { found_by_ranks(); }),
              ::testing::AllOf(::testing::StartsWith("65 rank 0: "), HasSubstr("none that is")));
}

// The sum of the pieces is what the manifest lists; the manifest itself is small.
TEST_F(ResumeSearchTest, TellsOfTheBytesItChecks) {
  save(5);
  std::uint64_t there = 0, told = 0;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint("step-00000005"))) {
    if (entry.path().filename() != "manifest.json") there += entry.file_size();
  }
  EXPECT_TRUE(find_resume_point(options_, [&](std::uint64_t bytes) { told += bytes; }));
  EXPECT_EQ(told, there);
  // What is thrown there is no damage to be passed over.
  EXPECT_THAT(error_of([&] {
                find_resume_point(
                    options_, [](std::uint64_t) { throw Error(ErrorKind::internal, "given up"); });
              }),
              "70 given up");
}

}  // namespace
}  // namespace bertha::testing
