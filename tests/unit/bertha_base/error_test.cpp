// Errors carry kind, text, remedy and place; log lines are whole and say who speaks.
#include "parallel/base/error.h"

#include <cerrno>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/log.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(Error, ExitCodesAreThoseOfTheContract) {
  EXPECT_EQ(Error(ErrorKind::usage, "x").exit_code(), 64);
  EXPECT_EQ(Error(ErrorKind::bad_data, "x").exit_code(), 65);
  EXPECT_EQ(Error(ErrorKind::internal, "x").exit_code(), 70);
  EXPECT_EQ(Error(ErrorKind::io, "x").exit_code(), 74);
  EXPECT_EQ(Error(ErrorKind::stopped, "x").exit_code(), 75);
  EXPECT_EQ(Error(ErrorKind::communication, "x").exit_code(), 76);
}

TEST(Error, KnowsWhereItWasMade) {
  const Error error(ErrorKind::bad_data, "a.tsv:3: two columns", "give three");
  EXPECT_THAT(error.where(), MatchesRegex("error_test.cpp:[0-9]+"));
  EXPECT_STREQ(error.what(), "a.tsv:3: two columns");
  EXPECT_EQ(error.remedy(), "give three");
  EXPECT_EQ(Error(ErrorKind::io, "m", "r", std::string("rank 2, x.cpp:1")).where(),
            "rank 2, x.cpp:1");
}

TEST(Error, NamesPathReasonAndRemedyOfFailedCalls) {
  const auto told = [](int number) {
    try {
      throw_io_error("write", "/data/x", number);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.where(), HasSubstr("error_test.cpp"));
      return error.message() + " | " + error.remedy();
    }
  };
  EXPECT_THAT(told(ENOSPC), AllOf(HasSubstr("cannot write /data/x: No space left on device"),
                                  HasSubstr("free space")));
  EXPECT_THAT(told(ENOENT), AllOf(HasSubstr("No such file"), HasSubstr("check the path")));
  EXPECT_THAT(told(EACCES), AllOf(HasSubstr("Permission denied"), HasSubstr("permissions")));
}

class Log : public testing::Test {
 protected:
  void TearDown() override {
    set_log_rank(0, 1);
    set_log_line_hooks({});
  }
};

TEST_F(Log, OnlyRankZeroInformsAndEveryRankWarns) {
  testing::internal::CaptureStderr();
  log_info("one");
  log_warning("two");
  set_log_rank(3, 4);
  log_info("three");
  log_warning("four");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "bertha: one\nbertha: warning: two\nbertha: warning: rank 3: four\n");
}

TEST_F(Log, HooksSurroundEveryLine) {
  int calls = 0;
  set_log_line_hooks({[](void* count) { ++*static_cast<int*>(count); },
                      [](void* count) { *static_cast<int*>(count) += 10; }, &calls});
  testing::internal::CaptureStderr();
  log_info("a");
  log_warning("b");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(calls, 22);
}

TEST_F(Log, LinesOfSeveralThreadsStayWhole) {
  testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    for (char letter = 'a'; letter < 'e'; ++letter) {
      threads.emplace_back([letter] {
        for (int i = 0; i < 50; ++i) log_info(std::string(60, letter));
      });
    }
  }
  std::istringstream lines(testing::internal::GetCapturedStderr());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_EQ(line.size(), 8U + 60U);
    EXPECT_EQ(line, "bertha: " + std::string(60, line[8]));
  }
  EXPECT_EQ(count, 200);
}

}  // namespace
}  // namespace bertha
