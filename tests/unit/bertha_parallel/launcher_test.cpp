// What launchers put into the environment, and what counts as an announcement.
#include "parallel/launcher.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using Variables = std::map<std::string, std::string>;

EnvironmentLookup lookup(const Variables& variables) {
  return [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

int announced(const Variables& variables) {
  const auto found = announced_ranks(lookup(variables));
  return found ? found->ranks : 0;
}

TEST(Launcher, NobodyAnnouncesAnything) {
  EXPECT_EQ(announced({}), 0);
  EXPECT_EQ(announced({{"PATH", "/bin"}, {"OMPI_COMM_WORLD_RANK", "3"}}), 0);
}

TEST(Launcher, MpirunAndPmi) {
  EXPECT_EQ(announced({{"OMPI_COMM_WORLD_SIZE", "4"}}), 4);
  EXPECT_EQ(announced({{"PMI_SIZE", "8"}}), 8);
}

TEST(Launcher, SrunTasksCount) {
  const Variables allocation{{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "6"}};
  EXPECT_EQ(announced(allocation), 0);  // it does not say how many tasks this step has
  auto step = allocation;
  step["SLURM_STEP_NUM_TASKS"] = "3";
  EXPECT_EQ(announced(step), 3);
  // One component of several: the ranks of all of them are one job to MPI.
  step["SLURM_HET_SIZE"] = "2";
  EXPECT_EQ(announced(step), 0);
}

TEST(Launcher, ShellsInAnAllocationAnnounceNothing) {
  // sbatch script: a rank number, but no step. salloc: neither. Interactive step: a special number.
  EXPECT_EQ(announced({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), 0);
  EXPECT_EQ(announced({{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "4"}}), 0);
  EXPECT_EQ(
      announced({{"SLURM_STEP_ID", "4294967290"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}),
      0);
  EXPECT_EQ(
      announced({{"SLURM_STEP_ID", "4294967291"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}),
      0);
}

TEST(Launcher, MpirunInsideSlurmSpeaksForItself) {
  EXPECT_EQ(announced({{"SLURM_STEP_ID", "1"},
                       {"SLURM_PROCID", "0"},
                       {"SLURM_STEP_NUM_TASKS", "16"},
                       {"OMPI_COMM_WORLD_SIZE", "1"}}),
            1);
}

TEST(Launcher, NonsenseIsIgnored) {
  for (const char* nonsense : {"", "four", "-3", "0", "4x", "99999999999999999999"}) {
    EXPECT_EQ(announced({{"OMPI_COMM_WORLD_SIZE", nonsense}}), 0) << nonsense;
  }
}

TEST(Launcher, RanksThatRunAloneAreAnError) {
  const Variables four{{"PMI_SIZE", "4"}}, one{{"PMI_SIZE", "1"}};
  EXPECT_NO_THROW(check_announced_ranks(lookup(four), {0, 4}));
  EXPECT_NO_THROW(check_announced_ranks(lookup(one), {0, 1}));
  EXPECT_NO_THROW(check_announced_ranks(lookup({}), {0, 1}));
  try {
    check_announced_ranks(lookup(four), {0, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);  // it would only come again
    EXPECT_THAT(error.message(), ::testing::HasSubstr("4 ranks (PMI_SIZE)"));
    EXPECT_THAT(error.message(), ::testing::HasSubstr("would run alone"));
    EXPECT_FALSE(error.remedy().empty());
  }
}

TEST(Launcher, AnyOtherNumberOfRanksIsAnErrorToo) {
  const Variables four{{"PMI_SIZE", "4"}}, one{{"OMPI_COMM_WORLD_SIZE", "1"}};
  try {
    check_announced_ranks(lookup(four), {0, 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), ::testing::EndsWith("4 ranks (PMI_SIZE), but MPI found 2"));
    EXPECT_THAT(error.remedy(), ::testing::HasSubstr("unset PMI_SIZE"));
  }
  EXPECT_THROW(check_announced_ranks(lookup(one), {0, 2}), Error);
}

std::string refusal_of(const Variables& variables, const RankInfo& mpi) {
  try {
    check_announced_ranks(lookup(variables), mpi);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 64);
    return error.message() + "; " + error.remedy();
  }
  return {};
}

// A launcher that speaks PMIx (srun --mpi=pmix, prterun) to a program whose MPI does not.
TEST(Launcher, PmixRanksThatRunAloneAreAnErrorToo) {
  const Variables third{{"PMIX_NAMESPACE", "slurm.pmix.7.0"}, {"PMIX_RANK", "3"}};
  EXPECT_THAT(
      refusal_of(third, {0, 1}),
      ::testing::StartsWith("the launcher announced rank 3 (PMIX_RANK), but MPI found rank "
                            "0 of 1: every process would run alone; start with the mpirun"));
  EXPECT_THAT(refusal_of(third, {2, 4}),
              ::testing::StartsWith("the launcher announced rank 3 (PMIX_RANK), but MPI found rank "
                                    "2 of 4; unset PMIX_RANK"));
  EXPECT_EQ(refusal_of(third, {3, 4}), "");
}

// As `mpirun -n 2 env` of Open MPI 4.1 and srun --mpi=pmix set them.
TEST(Launcher, RightJobsOverPmixAreNotRefused) {
  Variables mpirun{{"OMPI_COMM_WORLD_SIZE", "2"},
                   {"OMPI_COMM_WORLD_RANK", "1"},
                   {"PMIX_NAMESPACE", "490405889"},
                   {"PMIX_RANK", "1"}};
  EXPECT_EQ(refusal_of(mpirun, {1, 2}), "");
  EXPECT_THAT(refusal_of(mpirun, {0, 1}), ::testing::HasSubstr("2 ranks (OMPI_COMM_WORLD_SIZE)"));
  Variables step{{"SLURM_STEP_ID", "0"},
                 {"SLURM_PROCID", "1"},
                 {"SLURM_STEP_NUM_TASKS", "2"},
                 {"PMIX_NAMESPACE", "slurm.pmix.7.0"},
                 {"PMIX_RANK", "1"}};
  EXPECT_EQ(refusal_of(step, {1, 2}), "");
  // Components of a heterogeneous job: their number is not announced, the ranks are the job's.
  step["SLURM_HET_SIZE"] = "2";
  EXPECT_EQ(refusal_of(step, {1, 5}), "");
  EXPECT_THAT(refusal_of(step, {0, 1}), ::testing::HasSubstr("rank 1 (PMIX_RANK)"));
  // mpiexec of another MPI within a task of a PMIx job: what it starts inherits that task's rank.
  EXPECT_EQ(refusal_of({{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}, {"PMIX_RANK", "1"}}, {2, 4}), "");
  // A program by itself; Open MPI's singletons give themselves rank 0 once they spawn others.
  EXPECT_EQ(refusal_of({}, {0, 1}), "");
  EXPECT_EQ(refusal_of({{"PMIX_NAMESPACE", "1"}, {"PMIX_RANK", "0"}}, {0, 1}), "");
  for (const char* nonsense : {"", "one", "-1", "99999999999999999999"}) {
    EXPECT_EQ(refusal_of({{"PMIX_RANK", nonsense}}, {0, 1}), "") << nonsense;
  }
}

// As srun --mpi=none, pmix and pmi2 of Slurm 22.05 set them.
TEST(Launcher, SrunWithoutMpi) {
  Variables step{{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}};
  try {
    is_lone_srun_task(lookup(step));
    FAIL() << "two tasks that know nothing of each other";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 64);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("2 ranks (SLURM_STEP_NUM_TASKS)"));
    EXPECT_THAT(error.message(), ::testing::EndsWith("every process would run alone"));
    EXPECT_THAT(error.remedy(), ::testing::HasSubstr("srun --mpi=pmix"));
  }
  for (const char* name : {"PMIX_RANK", "PMIX_NAMESPACE", "PMI_RANK", "OMPI_COMM_WORLD_SIZE"}) {
    auto with_mpi = step;
    with_mpi[name] = "1";
    EXPECT_FALSE(is_lone_srun_task(lookup(with_mpi))) << name;
  }
  auto component = step;
  component["SLURM_HET_SIZE"] = "2";
  EXPECT_FALSE(is_lone_srun_task(lookup(component)));
  step["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_TRUE(is_lone_srun_task(lookup(step)));
  step["SLURM_STEP_ID"] = "4294967291";  // the batch script's own
  EXPECT_FALSE(is_lone_srun_task(lookup(step)));
  EXPECT_FALSE(is_lone_srun_task(lookup({})));
}

TEST(Launcher, MpirunInAnAllocationOfAnotherSizeIsRight) {
  // A job of 8 tasks whose script starts 4 ranks on purpose, by mpirun and by srun.
  const Variables by_mpirun{{"SLURM_NTASKS", "8"}, {"OMPI_COMM_WORLD_SIZE", "4"}};
  const Variables by_srun{{"SLURM_NTASKS", "8"},
                          {"SLURM_STEP_ID", "0"},
                          {"SLURM_PROCID", "0"},
                          {"SLURM_STEP_NUM_TASKS", "4"}};
  EXPECT_NO_THROW(check_announced_ranks(lookup(by_mpirun), {0, 4}));
  EXPECT_NO_THROW(check_announced_ranks(lookup(by_srun), {0, 4}));
}

}  // namespace
}  // namespace bertha
