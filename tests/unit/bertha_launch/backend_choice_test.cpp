// NCCL or MPI, for every place to compute and every build; what cannot work is said at the start.
#include "launch/backend_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr BackendFacts kCpu{false, 4, true}, kCpuBuild{false, 4, false}, kGpus{true, 4, true},
    kGpu{true, 1, true}, kGpusWithoutNccl{true, 4, false}, kGpuWithoutNccl{true, 1, false};

std::string refusal(Backend backend, const BackendFacts& facts) {
  try {
    chooses_nccl(backend, facts);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message() + " | " + error.remedy();
  }
  return "none";
}

TEST(BackendChoice, AutoTakesNcclOnGpusOnly) {
  EXPECT_TRUE(chooses_nccl(Backend::automatic, kGpus));
  EXPECT_TRUE(chooses_nccl(Backend::automatic, kGpu));
  EXPECT_FALSE(chooses_nccl(Backend::automatic, kCpu));
  EXPECT_FALSE(chooses_nccl(Backend::automatic, kCpuBuild));
}

TEST(BackendChoice, WhatIsAskedForIsTaken) {
  EXPECT_TRUE(chooses_nccl(Backend::nccl, kGpus));
  EXPECT_FALSE(chooses_nccl(Backend::mpi, kCpu));
  EXPECT_FALSE(chooses_nccl(Backend::mpi, kCpuBuild));
}

TEST(BackendChoice, NcclThatIsNotThereIsRefused) {
  EXPECT_THAT(refusal(Backend::nccl, kCpuBuild), HasSubstr("this build of bertha has no NCCL"));
  EXPECT_THAT(refusal(Backend::nccl, kGpusWithoutNccl),
              AllOf(HasSubstr("no NCCL | build with the cuda preset"),
                    HasSubstr("--parallel.backend mpi")));
  EXPECT_THAT(refusal(Backend::nccl, kCpu), HasSubstr("training runs on the CPU | use"));
}

TEST(BackendChoice, SeveralRanksOnGpusOverMpiAreRefused) {
  EXPECT_THAT(refusal(Backend::mpi, kGpus),
              AllOf(HasSubstr("4 ranks compute on GPUs"), HasSubstr("parallel.backend is mpi | use "
                                                                    "--parallel.backend nccl")));
  EXPECT_THAT(refusal(Backend::automatic, kGpusWithoutNccl),
              HasSubstr("this build of bertha has no NCCL | build with"));
  EXPECT_THAT(refusal(Backend::mpi, kGpusWithoutNccl), HasSubstr("is mpi | build with"));
}

TEST(BackendChoice, OneRankSendsNothing) {
  EXPECT_FALSE(chooses_nccl(Backend::mpi, kGpu));
  EXPECT_FALSE(chooses_nccl(Backend::automatic, kGpuWithoutNccl));
}

TEST(BackendChoice, NeverIsNeverForNcclToo) {
  EXPECT_EQ(nccl_timeout(0).count(), 0);
  EXPECT_EQ(nccl_timeout(4).count(), 60);
  EXPECT_EQ(nccl_timeout(600).count(), 600);
}

}  // namespace
}  // namespace bertha
