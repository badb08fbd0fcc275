// Saves that go on while the state changes: what is written is the state as it was, a failure is an
// outcome and not an end.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stop_token>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/background_task.h"
#include "parallel/base/fault.h"
#include "parallel/ranks_at_work.h"
#include "parallel/watched_communicator.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/checkpoint_writing.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void arm(const char* fault, int rank) {
  ::setenv("BERTHA_FAULT", fault, 1);
  set_fault_step(0);
  arm_fault(rank);
  ::unsetenv("BERTHA_FAULT");
}

SaveOutcome poll_to_the_end(CheckpointStore& store) {
  for (;;) {
    if (const auto outcome = store.poll()) return *outcome;
  }
}

TEST(BackgroundSave, WritesTheStateAsItWasWhenItBegan) {
  const ScratchFolder run;
  run_thread_ranks(3, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {0, 0});
    for (const std::int64_t step : {1, 2}) {  // the second time into the same buffers
      auto contents = sample_contents(communicator.rank_info(), step);
      store.begin(contents);
      EXPECT_TRUE(store.under_way());
      for (auto& weight : contents.weights) weight.tensor.fill_(-1);
      for (auto& slice : contents.moments) slice.values.fill_(-1);
      const auto outcome = poll_to_the_end(store);
      EXPECT_FALSE(outcome.failure);
      EXPECT_EQ(outcome.step, step);
      EXPECT_GE(outcome.seconds, outcome.stalled_seconds * 0.5);
      EXPECT_FALSE(store.under_way());
      EXPECT_EQ(store.poll(), std::nullopt);
    }
  });
  for (const std::int64_t step : {1, 2}) {
    const auto checkpoint = run / ("step-0000000" + std::to_string(step));
    EXPECT_THAT(checkpoint_faults(checkpoint), ElementsAre());
    const SafetensorsFile model(checkpoint / "model.safetensors");
    for (const auto& [name, tensor] : sample_contents({}, step).weights) {
      EXPECT_TRUE(at::equal(model.read(name), tensor)) << name;
    }
    auto read = sample_slices(0, 1, 99);
    read_moments(checkpoint, read);
    const auto wanted = sample_slices(0, 1, step);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_TRUE(at::equal(read[i].values, wanted[i].values)) << wanted[i].parameter;
    }
  }
}

TEST(BackgroundSave, FailsWithoutHarmAndSucceedsNextTime) {
  const ScratchFolder run;
  run_thread_ranks(3, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {1, 0});
    store.save(sample_contents(communicator.rank_info(), 1));
    auto wrong = sample_contents(communicator.rank_info(), 2);
    if (communicator.rank_info().rank == 2) wrong.moments[0].end += 1;  // a lie
    store.begin(wrong);
    const auto failed = poll_to_the_end(store);
    ASSERT_TRUE(failed.failure);
    EXPECT_THAT(failed.failure->message(), HasSubstr("rank 2: "));
    EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000001"});
    store.begin(sample_contents(communicator.rank_info(), 3));
    EXPECT_FALSE(store.finish().failure);
  });
  EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000003"});
}

TEST(BackgroundSave, GivenUpLeavesNothing) {
  const ScratchFolder run;
  run_thread_ranks(2, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {0, 0});
    store.save(sample_contents(communicator.rank_info(), 1));
    store.begin(sample_contents(communicator.rank_info(), 2));
  });
  EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000001"});
}

TEST(BackgroundSave, IsOneAtATime) {
  const ScratchFolder run;
  run_thread_ranks(1, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {0, 0});
    EXPECT_THAT(error_of([&] { store.finish(); }), HasSubstr("no save is under way"));
    store.begin(sample_contents({}, 1));
    EXPECT_THAT(error_of([&] { store.begin(sample_contents({}, 2)); }), HasSubstr("another one"));
    EXPECT_FALSE(store.finish().failure);
  });
}

// While no byte is written, all ranks ask each other again and again, and their watchdogs are not
// fooled by it.
TEST(BackgroundSave, ThatStandsStillIsMetByTheWatchdogs) {
  const ScratchFolder run;
  std::atomic<int> told[2] = {0, 0};
  arm("0:save:0:slow1500", 0);  // before every flush
  run_thread_ranks(2, [&](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    Watchdog watchdog(std::chrono::seconds(1), [&](const std::string& phase, double) {
      EXPECT_EQ(phase, "waiting for a checkpoint to be written");
      ++told[rank];
    });
    const auto watched = watch_communicator(communicator, watchdog);
    CheckpointStore store(run.path(), *watched, {0, 0});
    auto contents = sample_contents(communicator.rank_info(), 1);
    contents.moments.clear();
    contents.files.clear();
    store.begin(contents);
    EXPECT_FALSE(store.finish(&watchdog).failure);
  });
  arm("0:save:0:slow1500", 1);  // not this rank's: over
  EXPECT_GE(told[0], 1);
  EXPECT_GE(told[1], 1);  // which has nothing to write itself
}

TEST(BackgroundSave, NoticesWhatTheDiskDidNotKeep) {
  const ScratchFolder run;
  run_thread_ranks(1, [&](Communicator& communicator) {
    CheckpointStore store(run.path(), communicator, {0, 0});
    store.save(sample_contents({}, 1));
    arm("0:written:0:nan", 0);
    store.begin(sample_contents({}, 2));
    const auto outcome = store.finish();
    ASSERT_TRUE(outcome.failure);
    EXPECT_THAT(outcome.failure->message(), HasSubstr("has another checksum"));
    EXPECT_EQ(names_in(run.path()), std::set<std::string>{"step-00000001"});
    store.begin(sample_contents({}, 3));
    EXPECT_FALSE(store.finish().failure);
  });
  EXPECT_EQ(newest_checkpoint(run.path()), run / "step-00000003");
}

// Nobody waits for the rest of a large file when a run ends by an error.
TEST(BackgroundSave, IsGivenUpWithinAFile) {
  const ScratchFolder folder;
  auto contents = sample_contents({}, 1);
  contents.moments.clear();
  contents.weights = {{"large", at::zeros({16 << 20}, at::kByte)}};
  std::atomic<std::uint64_t> bytes_done = 0;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(error_of([&] {
              write_share({folder.path(), contents, true, {}}, bytes_done, stop.get_token());
            }),
            "70 the save was given up");
  EXPECT_LE(fs::file_size(folder / "model.safetensors"), 2U << 20);
  // Told of all that is written and read back.
  bytes_done = 0;
  std::uint64_t written = 0;
  for (const auto& file : write_share({folder.path(), contents, true, {}}, bytes_done, {})) {
    written += file.bytes;
  }
  EXPECT_EQ(bytes_done, 2 * written);
}

TEST(RanksAtWork, TellWhoIsBehindAndWhetherAnyoneGotOn) {
  run_thread_ranks(3, [&](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    RanksAtWork ranks;
    EXPECT_FALSE(ranks.ask(communicator, rank == 0, 5));
    EXPECT_TRUE(ranks.got_on());  // nothing was known before
    EXPECT_EQ(ranks.behind(), "ranks 1, 2 are not done");
    EXPECT_FALSE(ranks.ask(communicator, rank == 0, 5));
    EXPECT_FALSE(ranks.got_on());
    EXPECT_FALSE(ranks.ask(communicator, rank == 0, rank == 2 ? 6 : 5));
    EXPECT_TRUE(ranks.got_on());
    EXPECT_FALSE(ranks.ask(communicator, rank != 1, 6));
    EXPECT_TRUE(ranks.got_on());
    EXPECT_EQ(ranks.behind(), "rank 1 is not done");
    EXPECT_TRUE(ranks.ask(communicator, true, 6));
    EXPECT_EQ(ranks.behind(), "");
  });
}

// One that gets on does not hide another that stands.
TEST(RanksAtWork, TellWhoStandsThoughOthersGetOn) {
  run_thread_ranks(3, [&](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    RanksAtWork ranks;
    const auto ask = [&](std::uint64_t of_rank_1, std::uint64_t of_rank_2) {
      return ranks.ask(communicator, rank == 0, rank == 1 ? of_rank_1 : of_rank_2);
    };
    EXPECT_FALSE(ask(0, 0));
    EXPECT_FALSE(ranks.all_got_on());
    EXPECT_EQ(ranks.standing(), "ranks 1, 2 get no further");
    EXPECT_FALSE(ask(0, 1));
    EXPECT_TRUE(ranks.got_on());
    EXPECT_FALSE(ranks.all_got_on());
    EXPECT_EQ(ranks.standing(), "rank 1 gets no further");
    EXPECT_FALSE(ask(1, 1));  // one after the other
    EXPECT_TRUE(ranks.all_got_on());
    EXPECT_FALSE(ask(2, 1));
    EXPECT_FALSE(ranks.all_got_on());
    EXPECT_EQ(ranks.standing(), "rank 2 gets no further");
    EXPECT_FALSE(ranks.ask(communicator, rank != 1, 1));  // who is done is not waited for
    EXPECT_TRUE(ranks.all_got_on());
    EXPECT_TRUE(ranks.ask(communicator, true, 1));
    EXPECT_EQ(ranks.standing(), "");
  });
}

TEST(DiskSpace, IsAskedForBeforeAnythingIsWritten) {
  const ScratchFolder run;
  require_space(run.path(), 1, "step-00000001");
  const auto said = error_of([&] { require_space(run.path(), 1ULL << 62, "step-00000007"); });
  EXPECT_THAT(said, AllOf(HasSubstr("74 No space left for step-00000007: it takes "
                                    "4611686018427387904 bytes"),
                          HasSubstr("are free")));
  require_space(run / "nowhere", 1ULL << 62, "x");  // unknown: writing will tell
}

TEST(BytesToWrite, AreThoseOfTheTensors) {
  const auto contents = sample_contents({1, 2, 1, 2}, 1);
  const auto mine = bytes_to_write(contents, false), all = bytes_to_write(contents, true);
  EXPECT_EQ(all - mine, (37 + 5 + 64 + 1) * 4 + 22 + 6);  // weights, config.json, vocab.txt
}

TEST(BackgroundTask, TellsItsEndAndWhatItThrewOnce) {
  BackgroundTask task;
  EXPECT_TRUE(task.done());
  task.rethrow();
  task.start([](const std::stop_token&) { throw Error(ErrorKind::io, "no disk"); });
  while (!task.done()) task.wait_for(std::chrono::milliseconds(5));
  EXPECT_EQ(error_of([&] { task.rethrow(); }), "74 no disk");
  task.rethrow();
  // The destructor asks it to stop.
  task.start([](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  EXPECT_FALSE(task.done());
}

}  // namespace
}  // namespace bertha::testing
