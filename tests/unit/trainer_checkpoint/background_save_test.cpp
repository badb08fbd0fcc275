// Saves that go on while the state changes: what is written is the state as it was, a failure is an
// outcome and not an end.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/background_task.h"
#include "trainer/checkpoint/checkpoint_writing.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
