// Files and folders are complete under their final name, or not there.
#include "parallel/base/staged_output.h"

#include <csignal>
#include <cstdlib>
#include <set>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/staged_file.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StagedOutput : public testing::Test {
 protected:
  StagedOutput() {
    auto name = (fs::temp_directory_path() / "bertha-staged-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~StagedOutput() override { fs::remove_all(folder_); }

  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      found.insert(fs::relative(entry.path(), folder_).string());
    }
    return found;
  }

  template <class Action>
  static ErrorKind kind_of(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::internal;
  }

  fs::path folder_;
};

TEST_F(StagedOutput, WritesAndReplacesAFileAndLeavesNothingElse) {
  const auto path = folder_ / "new" / "folder" / "file";
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
  write_file_atomically(path, "");
  EXPECT_EQ(read_file(path), "");
  EXPECT_THAT(names(), ElementsAre("new", "new/folder", "new/folder/file"));
}

TEST_F(StagedOutput, AFileGrowsOutOfSightUntilItIsPublished) {
  const auto path = folder_ / "new" / "file";
  {
    StagedFile file(path);
    file.append("one\n");
    file.append("");
    file.append("two\n");
    EXPECT_FALSE(fs::exists(path));
    file.publish();
    EXPECT_EQ(read_file(path), "one\ntwo\n");
  }
  {
    StagedFile abandoned(path);
    abandoned.append("three\n");
  }
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  EXPECT_THAT(names(), ElementsAre("new", "new/file"));
}

TEST_F(StagedOutput, AFailedWriteLeavesTheOldFile) {
  const auto path = folder_ / "file";
  write_file_atomically(path, "old");
  // A file size limit stands in for a full disk.
  const auto write_too_much = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto kind = kind_of([&] { write_file_atomically(path, std::string(100'000, 'x')); });
    ::_exit(kind == ErrorKind::io ? 0 : 1);
  };
  EXPECT_EXIT(write_too_much(), testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file(path), "old");
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(StagedOutput, WhatCannotBeReadOrWrittenIsAnIoError) {
  write_file(folder_ / "file", "x");
  EXPECT_EQ(kind_of([&] { read_file(folder_ / "missing"); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { read_file(folder_); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { write_file(folder_ / "missing" / "x", ""); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { write_file_atomically(folder_ / "file" / "x", ""); }), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { flush_to_disk(folder_ / "missing"); }), ErrorKind::io);
}

TEST_F(StagedOutput, AFolderAppearsWhenItIsPublished) {
  const auto path = folder_ / "step-00000005";
  StagedFolder staged(path, true);
  EXPECT_EQ(staged.path(), folder_ / "step-00000005.staging");
  write_file(staged.path() / "a", "1");
  fs::create_directory(staged.path() / "deep");
  write_file(staged.path() / "deep" / "b", "2");
  EXPECT_FALSE(fs::exists(path));
  staged.publish();
  EXPECT_EQ(read_file(path / "deep" / "b"), "2");
  EXPECT_FALSE(fs::exists(staged.path()));
}

TEST_F(StagedOutput, AFolderThatIsNotPublishedGoesAway) {
  {
    const StagedFolder staged(folder_ / "out/", true);  // a trailing slash is no name
    write_file(staged.path() / "a", "1");
    EXPECT_THAT(names(), ElementsAre("out.staging", "out.staging/a"));
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(StagedOutput, PublishingReplacesAFolderAndRemovesLeftovers) {
  const auto path = folder_ / "out";
  fs::create_directories(path);
  write_file(path / "old", "1");
  fs::create_directories(folder_ / "out.staging");
  write_file(folder_ / "out.staging" / "of a killed run", "");
  StagedFolder staged(path, true);
  EXPECT_EQ(read_file(path / "old"), "1");  // still there while the new one is written
  write_file(staged.path() / "new", "2");
  staged.publish();
  EXPECT_THAT(names(), ElementsAre("out", "out/new"));
}

TEST_F(StagedOutput, AFailedPublishLeavesTheOldFolder) {
  const auto path = folder_ / "out";
  fs::create_directories(path);
  write_file(path / "old", "1");
  {
    StagedFolder staged(path, true);
    fs::remove_all(staged.path());  // so that no rename of it can work
    EXPECT_THROW(staged.publish(), std::exception);
  }
  EXPECT_THAT(names(), ElementsAre("out", "out/old"));
}

TEST_F(StagedOutput, AFolderMovedAsideByAKilledRunIsPutBack) {
  fs::create_directories(folder_ / "out.replaced");
  write_file(folder_ / "out.replaced" / "old", "1");
  { const StagedFolder staged(folder_ / "out", true); }
  EXPECT_THAT(names(), ElementsAre("out", "out/old"));
}

TEST_F(StagedOutput, WhatAKilledRunHadReplacedGoes) {
  for (const char* name : {"out", "out.replaced", "out.deleted"}) {
    fs::create_directories(folder_ / name);
    write_file(folder_ / name / name, "1");
  }
  finish_killed_publish(folder_ / "out");
  EXPECT_THAT(names(), ElementsAre("out", "out/out"));
  fs::create_directories(folder_ / "new.deleted");  // never put back: it may be half there
  finish_killed_publish(folder_ / "new");
  EXPECT_THAT(names(), ElementsAre("out", "out/out"));
}

TEST_F(StagedOutput, LeftoversAreGoneOnWithWhereThatIsWanted) {
  const auto path = folder_ / "out";
  {
    StagedFolder staged(path, true, true);
    write_file(staged.path() / "a", "1");
    staged.keep();
  }
  EXPECT_THAT(names(), ElementsAre("out.staging", "out.staging/a"));
  StagedFolder staged(path, true, true);
  write_file(staged.path() / "b", "2");
  staged.publish();
  EXPECT_THAT(names(), ElementsAre("out", "out/a", "out/b"));
}

TEST_F(StagedOutput, OtherRanksNeitherCreateNorRemove) {
  const StagedFolder owner(folder_ / "out", true);
  { const StagedFolder other(folder_ / "out", false); }
  EXPECT_TRUE(fs::exists(owner.path()));
}

}  // namespace
}  // namespace bertha
