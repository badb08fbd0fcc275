// A run that begins before its own checkpoints: which are set aside, and where the next start goes
// on.
#include "launch/run_branch.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/resume.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Names = std::set<std::string>;

class RunBranch : public ::testing::Test {
 protected:
  RunBranch() {
    options_.output = folder_ / "run";
    for (const std::int64_t step : {5, 10, 15}) save(step);
  }

  void save(std::int64_t step, const std::string& began_from = "",
            const std::string& run = "run") const {
    run_thread_ranks(1, [&](Communicator& communicator) {
      auto contents = sample_contents(communicator.rank_info(), step);
      contents.state.began_from = began_from;
      CheckpointStore(folder_ / run / "checkpoints", communicator, {0, 0}).save(contents);
    });
  }
  fs::path checkpoint(const std::string& name) const {
    return options_.output / "checkpoints" / name;
  }
  // What a start with train.resume `resume` does: it resumes from here, and sets aside.
  std::string start(const std::string& resume) {
    options_.resume = resume;
    const auto found = find_resume_point(options_);
    TrainerState state;
    if (found) state = read_trainer_state(*found);
    const bool begins = begin_branch(options_, state);
    began_from_ = state.began_from;
    run_thread_ranks(2, [&](Communicator& communicator) {
      const auto said = set_aside_left_behind(
          {options_, begins, found ? found->string() : "", state.step}, communicator);
      if (communicator.rank_info().is_root()) said_ = said;
    });
    return found ? (*found / "").parent_path().filename().string() : "";  // without a slash
  }
  Names own() const { return names_in(options_.output / "checkpoints"); }
  Names aside(int number) const {
    return names_in(options_.output / ("abandoned-" + std::to_string(number)) / "checkpoints");
  }

  ScratchFolder folder_;
  TrainOptions options_;
  std::string said_, began_from_;
};

TEST_F(RunBranch, GoingOnLeavesEverythingWhereItIs) {
  EXPECT_EQ(start("auto"), "step-00000015");
  EXPECT_EQ(start(options_.output.string() + "/"), "step-00000015");
  flip_byte(checkpoint("step-00000015") / "vocab.txt", 2);
  EXPECT_EQ(start("auto"), "step-00000010");
  EXPECT_EQ(start(options_.output.string()), "step-00000010");
  EXPECT_EQ(own().size(), 3U);  // the damaged one, too
  EXPECT_EQ(said_, "");
  fs::remove_all(checkpoint("step-00000015"));
  EXPECT_EQ(start(checkpoint("step-00000005").string() + "/../step-00000010"), "step-00000010");
  EXPECT_EQ(said_, "");  // the newest by its name: nothing is left behind
}

TEST_F(RunBranch, FromAnEarlierStepSetsLaterOnesAside) {
  folder_.put("run/metrics.jsonl", "{\"event\":\"train\",\"step\":15}\n");
  const auto from = checkpoint("step-00000005").string();
  EXPECT_EQ(start(from + "/"), "step-00000005");
  EXPECT_EQ(own(), Names{"step-00000005"});
  EXPECT_EQ(aside(1), (Names{"step-00000010", "step-00000015"}));
  EXPECT_EQ(read_file(options_.output / "abandoned-1" / "metrics.jsonl"),
            read_file(options_.output / "metrics.jsonl"));
  EXPECT_THAT(said_, HasSubstr("the run begins at step 5; 2 checkpoints of another branch (step "
                               "10 to 15) are set aside in"));
  EXPECT_EQ(start("auto"), "step-00000005");
}

TEST_F(RunBranch, TheSameCommandGoesOnWithItsBranchAlsoWithoutItsFirstCheckpoint) {
  const auto from = checkpoint("step-00000005").string();
  start(from);
  save(8, began_from_);
  EXPECT_EQ(start(from), "step-00000008");
  EXPECT_EQ(said_, "");
  fs::remove_all(from);  // by train.keep_last
  EXPECT_EQ(start(from + "/"), "step-00000008");
  EXPECT_EQ(start("auto"), "step-00000008");
  EXPECT_EQ(began_from_, fs::canonical(options_.output / "checkpoints") / "step-00000005");
  save(9, began_from_);
  flip_byte(checkpoint("step-00000009") / "vocab.txt", 2);
  EXPECT_EQ(start(from), "step-00000008");
  EXPECT_EQ(own(), (Names{"step-00000008", "step-00000009"}));
  // Another branch off this one.
  EXPECT_EQ(start(checkpoint("step-00000008").string()), "step-00000008");
  EXPECT_EQ(aside(2), Names{"step-00000009"});
}

TEST_F(RunBranch, NeverSetsAllAside) {
  EXPECT_EQ(start("never"), "");
  EXPECT_EQ(own(), Names{});
  EXPECT_EQ(aside(1), (Names{"step-00000005", "step-00000010", "step-00000015"}));
  EXPECT_EQ(start("auto"), "");
  save(3);
  EXPECT_EQ(start("auto"), "step-00000003");
  EXPECT_EQ(start("never"), "");
  EXPECT_EQ(aside(2), Names{"step-00000003"});
  EXPECT_THAT(stopped_message(options_), HasSubstr("the same command with --train.resume auto"));
}

// Back to what was set aside, or from a run elsewhere: none of the own ones leads there.
TEST_F(RunBranch, FromAnotherFolderSetsAllAside) {
  save(7, "", "other");
  EXPECT_EQ(start((folder_ / "other").string()), "step-00000007");
  EXPECT_EQ(aside(1).size(), 3U);
  EXPECT_EQ(own(), Names{});
  save(9, began_from_);
  EXPECT_EQ(start((folder_ / "other").string()), "step-00000009");
  EXPECT_EQ(start((options_.output / "abandoned-1").string()), "step-00000015");
  EXPECT_EQ(aside(2), Names{"step-00000009"});
}

TEST_F(RunBranch, TakesANameThatIsFree) {
  folder_.put("run/abandoned-1", "a file of that name");
  EXPECT_EQ(start("never"), "");
  EXPECT_EQ(aside(2).size(), 3U);
}

}  // namespace
}  // namespace bertha::testing
