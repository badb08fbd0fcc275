// Saving and reading back on any number of ranks, failures that leave nothing, and retention.
#include "trainer/checkpoint/checkpoint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/sha256.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/moment_files.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void save_steps(const fs::path& folder, int ranks, std::vector<std::int64_t> steps,
                RetentionOptions retention = {0, 0}) {
  run_thread_ranks(ranks, [&](Communicator& communicator) {
    CheckpointStore store(folder, communicator, retention);
    for (const auto step : steps) {
      store.save(sample_contents(communicator.rank_info(), step));
    }
  });
}

void expect_moments(const fs::path& checkpoint, int ranks, std::int64_t step) {
  for (int rank = 0; rank < ranks; ++rank) {
    auto wanted = sample_slices(rank, ranks, step);
    auto read = wanted;
    for (auto& slice : read) slice.values = at::full_like(slice.values, -1);
    read_moments(checkpoint, read);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_TRUE(at::equal(read[i].values, wanted[i].values))
          << wanted[i].parameter << " for rank " << rank << " of " << ranks;
    }
  }
}

// From 512 to 1024 bf16 has gaps of 4, so it holds these numbers exactly.
TEST(CheckpointStore, KeepsMomentsInTheirType) {
  const ScratchFolder run;
  const auto values = at::arange(64, at::kFloat) * 4 + 512;
  run_thread_ranks(1, [&](Communicator& communicator) {
    auto contents = sample_contents(communicator.rank_info(), 1);
    contents.moments = {
        {"bert.pooler.dense.weight", "exp_avg", 0, 40, values.slice(0, 0, 40).to(at::kBFloat16)},
        {"bert.pooler.dense.weight", "exp_avg", 40, 64, values.slice(0, 40)}};
    CheckpointStore store(run / "checkpoints", communicator, {0, 0});
    store.save(contents);
  });
  const auto checkpoint = run.path() / "checkpoints" / "step-00000001";
  // Those of the other parameters were not saved; these are whole.
  EXPECT_THAT(checkpoint_faults(checkpoint),
              Each(AllOf(HasSubstr("lack exp_avg"), Not(HasSubstr("pooler.dense.weight")))));
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    std::vector<MomentSlice> read{
        {"bert.pooler.dense.weight", "exp_avg", 8, 64, at::zeros({56}, type)}};
    read_moments(checkpoint, read);
    EXPECT_TRUE(at::equal(read[0].values, values.slice(0, 8).to(type)));
  }
  const SafetensorsFile file(checkpoint / moment_file_name(0, 1));
  EXPECT_EQ(file.read("exp_avg/bert.pooler.dense.weight/0-40").scalar_type(), at::kBFloat16);
}

class StoreOnRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, StoreOnRanks, ::testing::Values(1, 2, 3, 5));

TEST_P(StoreOnRanks, SavesWhatAnyNumberOfRanksReadsBack) {
  const ScratchFolder run;
  save_steps(run / "checkpoints", GetParam(), {500});
  EXPECT_EQ(names_in(run / "checkpoints"), std::set<std::string>{"step-00000500"});
  const auto checkpoint = run.path() / "checkpoints" / "step-00000500";
  EXPECT_EQ(newest_checkpoint(run / "checkpoints"), checkpoint);
  check_checkpoint(checkpoint, CheckpointCheck::all);
  EXPECT_THAT(checkpoint_faults(checkpoint), ElementsAre());
  const auto state = read_trainer_state(checkpoint);
  EXPECT_EQ(state, sample_contents({0, GetParam(), 0, 1}, 500).state);
  const SafetensorsFile model(checkpoint / "model.safetensors");
  EXPECT_EQ(model.metadata().at("format"), "pt");
  EXPECT_EQ(model.metadata().at("bertha_version"), "1");
  for (const auto& [name, tensor] : sample_contents({}, 500).weights) {
    EXPECT_TRUE(at::equal(model.read(name), tensor)) << name;
  }
  EXPECT_EQ(read_file(checkpoint / "vocab.txt"), "[PAD]\n");
  for (const int ranks : {1, 2, 3, 7}) expect_moments(checkpoint, ranks, 500);
}

TEST_P(StoreOnRanks, ListsEveryFileInTheManifest) {
  const ScratchFolder run;
  save_steps(run.path(), GetParam(), {7});
  const auto checkpoint = run / "step-00000007";
  const auto manifest = nlohmann::json::parse(read_file(checkpoint / "manifest.json"));
  EXPECT_EQ(manifest["format"], "bertha-checkpoint");
  EXPECT_EQ(manifest["version"], 2);
  EXPECT_EQ(manifest["step"], 7);
  EXPECT_EQ(manifest["world_size"], GetParam());
  std::set<std::string> listed{"manifest.json"};
  for (const auto& [name, file] : manifest["files"].items()) {
    listed.insert(name);
    EXPECT_EQ(file["bytes"], fs::file_size(checkpoint / name));
    EXPECT_EQ(file["sha256"], sha256_file(checkpoint / name));
  }
  EXPECT_EQ(listed, names_in(checkpoint));
  EXPECT_EQ(listed.size(), 5U + static_cast<std::size_t>(GetParam()));
}

TEST(CheckpointStore, SavesTheSameBytesAgain) {
  const ScratchFolder a, b;
  save_steps(a.path(), 3, {1});
  save_steps(b.path(), 3, {1});
  for (const auto& name : names_in(a / "step-00000001")) {
    EXPECT_EQ(read_file(a / "step-00000001" / name), read_file(b / "step-00000001" / name)) << name;
  }
}

TEST(CheckpointStore, NumbersTheFilesOfRanksThatHaveMoments) {
  const ScratchFolder run;
  run_thread_ranks(4, [&](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    auto contents = sample_contents(communicator.rank_info(), 1);
    contents.moments.clear();
    if (rank == 1 || rank == 3) contents.moments = sample_slices(rank / 2, 2, 1);
    CheckpointStore(run.path(), communicator, {0, 0}).save(contents);
  });
  const auto names = names_in(run / "step-00000001");
  EXPECT_TRUE(names.contains("optimizer-00000-of-00002.safetensors"));
  EXPECT_TRUE(names.contains("optimizer-00001-of-00002.safetensors"));
  expect_moments(run / "step-00000001", 3, 1);
}

TEST(CheckpointStore, ReplacesACheckpointOfTheSameStep) {
  const ScratchFolder run;
  save_steps(run.path(), 2, {3});
  flip_byte(run / "step-00000003" / "model.safetensors", 500);
  save_steps(run.path(), 1, {3});
  EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000003"});
  EXPECT_THAT(checkpoint_faults(run / "step-00000003"), ElementsAre());
}

class FailingRank : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, FailingRank, ::testing::Values(0, 1, 2));

// A rank whose part cannot be written: the same error everywhere, nothing new, nothing lost.
TEST_P(FailingRank, LeavesNothingAndTellsAll) {
  const ScratchFolder run;
  save_steps(run.path(), 3, {1});
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 3, .faults = {}}, [&](Communicator& communicator) {
        auto contents = sample_contents(communicator.rank_info(), 2);
        if (communicator.rank_info().rank == GetParam()) contents.moments[0].end += 1;  // a lie
        CheckpointStore(run.path(), communicator, {1, 0}).save(contents);
      });
  for (const auto& outcome : outcomes) {
    EXPECT_THAT(message_of(outcome), StartsWith("rank " + std::to_string(GetParam()) + ": "));
    EXPECT_EQ(message_of(outcome), message_of(outcomes.front()));
  }
  EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000001"});
  EXPECT_THAT(checkpoint_faults(run / "step-00000001"), ElementsAre());
}

// A rank that is gone in the middle of a save, at any of its collectives; how many there are
// depends on how often the ranks ask each other.
TEST(CheckpointStore, LeavesNothingHalfDoneWhenARankDies) {
  for (int call = 1; call <= 12; ++call) {
    const ScratchFolder run;
    save_steps(run.path(), 2, {1});
    const auto outcomes = outcomes_of_thread_ranks(
        {.world_size = 2, .faults = {{.rank = 1, .call = call}}}, [&](Communicator& communicator) {
          CheckpointStore(run.path(), communicator, {0, 0})
              .save(sample_contents(communicator.rank_info(), 2));
        });
    const auto names = names_in(run.path());
    if (message_of(outcomes[1]).empty()) {  // it was all over before
      EXPECT_TRUE(names.contains("step-00000002"));
    } else {
      EXPECT_THAT(message_of(outcomes[1]), HasSubstr("injected fault"));
      EXPECT_NE(message_of(outcomes[0]), "");
    }
    EXPECT_FALSE(call <= 4 && names.contains("step-00000002")) << call;
    // Once rank 0 has renamed the folder, it stands.
    EXPECT_EQ(names.size(), names.contains("step-00000002") ? 2U : 1U) << call;
    const auto newest = newest_checkpoint(run.path());
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->filename(), *names.rbegin());
    EXPECT_THAT(checkpoint_faults(*newest), ElementsAre());
  }
}

TEST(CheckpointStore, CannotWriteBelowAFile) {
  const ScratchFolder run;
  run.put("checkpoints", "a file");
  EXPECT_THAT(error_of([&] { save_steps(run / "checkpoints", 2, {1}); }), StartsWith("74 "));
}

TEST(CheckpointStore, RemovesLeftoversOfKilledRunsButNothingElse) {
  const ScratchFolder run;
  for (const char* name :
       {"step-00000009.staging/model.safetensors", "step-00000002.deleted/x", "step-9.staging/x",
        "mine.staging/x", "notes.txt", "step-00000005.replaced/x"}) {
    run.put(name, "x");
  }
  save_steps(run.path(), 2, {4});
  EXPECT_EQ(names_in(run.path()),
            (std::set<std::string>{"step-00000004", "step-9.staging", "mine.staging", "notes.txt",
                                   "step-00000005.replaced"}));
}

TEST(Retention, KeepsTheLastOnes) {
  const ScratchFolder run;
  save_steps(run.path(), 2, {10, 20, 30, 40}, {2, 0});
  EXPECT_EQ(names_in(run.path()), (std::set<std::string>{"step-00000030", "step-00000040"}));
}

TEST(Retention, KeepsEveryNthForever) {
  const ScratchFolder run;
  save_steps(run.path(), 1, {10, 20, 30, 40, 50, 60}, {1, 20});
  EXPECT_EQ(names_in(run.path()),
            (std::set<std::string>{"step-00000020", "step-00000040", "step-00000060"}));
}

TEST(Retention, KeepsAllWhenToldSo) {
  const ScratchFolder run;
  save_steps(run.path(), 1, {1, 2, 3, 4, 5}, {0, 0});
  EXPECT_EQ(names_in(run.path()).size(), 5U);
}

TEST(Retention, NeverDeletesWhatWasJustWritten) {
  const ScratchFolder run;
  save_steps(run.path(), 1, {100, 200}, {0, 0});
  save_steps(run.path(), 1, {50}, {1, 0});
  EXPECT_EQ(names_in(run.path()), (std::set<std::string>{"step-00000050", "step-00000200"}));
}

// A damaged one must not push a good one out.
TEST(Retention, CountsOnlyCompleteCheckpoints) {
  const ScratchFolder run;
  save_steps(run.path(), 1, {1, 2, 3}, {0, 0});
  fs::remove(run / "step-00000003" / "manifest.json");
  save_steps(run.path(), 1, {4}, {2, 0});
  EXPECT_EQ(names_in(run.path()),
            (std::set<std::string>{"step-00000002", "step-00000003", "step-00000004"}));
}

// Of the right sizes, and found damaged when the run looked for where to go on.
TEST(Retention, NeitherCountsNorRemovesWhatTheStartPassedOver) {
  const ScratchFolder run;
  save_steps(run.path(), 1, {10, 15, 20}, {0, 0});
  flip_byte(run / "step-00000020" / "model.safetensors", 200);
  run_thread_ranks(2, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {2, 0});
    store.starts_at(15);
    store.save(sample_contents(communicator.rank_info(), 17));
    EXPECT_EQ(names_in(run.path()),
              (std::set<std::string>{"step-00000015", "step-00000017", "step-00000020"}));
    communicator.gather_bytes("");
    // From then on it is a good one like others.
    store.save(sample_contents(communicator.rank_info(), 20));
    store.save(sample_contents(communicator.rank_info(), 21));
  });
  EXPECT_EQ(names_in(run.path()), (std::set<std::string>{"step-00000020", "step-00000021"}));
}

TEST(Retention, KeepsTheBestByValidationLoss) {
  const ScratchFolder run;
  run_thread_ranks(2, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {1, 0, 2});
    const double losses[] = {5.0, 3.0, 0, 3.5, 4.0, 3.5};  // step 3 was not validated
    for (std::int64_t step = 1; step <= 6; ++step) {
      auto contents = sample_contents(communicator.rank_info(), step);
      if (step != 3) contents.state.validation_loss = losses[step - 1];
      store.save(contents);
    }
  });
  // 2 is best; of 4 and 6, equal, the newer one.
  EXPECT_EQ(names_in(run.path()), (std::set<std::string>{"step-00000002", "step-00000006"}));
  EXPECT_EQ(read_trainer_state(run / "step-00000002").validation_loss, 3.0);
}

}  // namespace
}  // namespace bertha::testing
