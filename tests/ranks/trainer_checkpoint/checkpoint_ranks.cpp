// Checkpoints written by real ranks into one folder: read back by any partition, and nothing left
// of one that failed by the time any rank hears of it.
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/rank_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;

// One scratch folder for all ranks, made and removed by rank 0.
class Checkpoints : public ::testing::Test {
 protected:
  void SetUp() override {
    if (ranks().is_root()) scratch_ = std::make_unique<ScratchFolder>();
    folder = communicator->gather_bytes(scratch_ ? scratch_->path().string() : "").front();
  }
  void TearDown() override {
    communicator->gather_bytes("");  // nobody reads any more
  }
  const RankInfo& ranks() const { return communicator->rank_info(); }

  std::unique_ptr<Communicator> communicator = rank_communicator();
  fs::path folder;

 private:
  std::unique_ptr<ScratchFolder> scratch_;
};

TEST_F(Checkpoints, AreReadBackByAnyPartition) {
  CheckpointStore store(folder, *communicator, {0, 0});
  const auto checkpoint = store.save(sample_contents(ranks(), 3));
  check_checkpoint(checkpoint, CheckpointCheck::all);
  EXPECT_EQ(newest_checkpoint(folder), checkpoint);
  EXPECT_EQ(read_trainer_state(checkpoint).world_size, ranks().world_size);
  for (const int count : {ranks().world_size, ranks().world_size + 1}) {
    const auto wanted = sample_slices(ranks().rank, count, 3);
    auto read = sample_slices(ranks().rank, count, 999);
    read_moments(checkpoint, read);
    ASSERT_FALSE(wanted.empty());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_TRUE(at::equal(read[i].values, wanted[i].values)) << wanted[i].parameter;
    }
  }
}

// While it lives, this process cannot write files of more than 64 bytes: a disk that is full.
class TinyFiles {
 public:
  TinyFiles() {
    ::signal(SIGXFSZ, SIG_IGN);  // so that write() fails instead
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit tiny = before_;
    tiny.rlim_cur = 64;
    ::setrlimit(RLIMIT_FSIZE, &tiny);
  }
  ~TinyFiles() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  TinyFiles(const TinyFiles&) = delete;
  TinyFiles& operator=(const TinyFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_F(Checkpoints, LeaveNothingWhenARankFails) {
  CheckpointStore store(folder, *communicator, {1, 0});
  store.save(sample_contents(ranks(), 1));
  for (int failing = 0; failing < ranks().world_size; ++failing) {
    const auto said = error_of([&] {
      std::optional<TinyFiles> tiny;
      if (ranks().rank == failing) tiny.emplace();
      store.save(sample_contents(ranks(), 2));
    });
    EXPECT_THAT(said, ::testing::StartsWith("74 "));
    EXPECT_THAT(said, ::testing::HasSubstr("cannot write"));
    EXPECT_THAT(said, ::testing::HasSubstr("File too large"));
    if (ranks().world_size > 1) {
      EXPECT_THAT(said, ::testing::HasSubstr("rank " + std::to_string(failing) + ":"));
    }
    EXPECT_EQ(names_in(folder), std::set<std::string>{"step-00000001"});
    communicator->gather_bytes("");  // before rank 0 begins the next one
  }
}

TEST_F(Checkpoints, AreThinnedOutOnce) {
  CheckpointStore store(folder, *communicator, {2, 4});
  for (std::int64_t step = 1; step <= 7; ++step) store.save(sample_contents(ranks(), step));
  communicator->gather_bytes("");  // rank 0 deletes after the others went on
  EXPECT_EQ(names_in(folder),
            (std::set<std::string>{"step-00000004", "step-00000006", "step-00000007"}));
}

}  // namespace
}  // namespace bertha::testing
