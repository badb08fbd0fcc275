// What goes wrong in `prepare`: the same error on every rank, and nothing left behind.
#include <cmath>
#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PrepareFailures : public ::testing::Test {
 protected:
  void SetUp() override {
    options.vocabulary = folder.write("vocab.txt", vocabulary_text({"one", "two"}));
    options.output = folder / "corpus";
    options.input.paths = {(folder / "text").string()};
    options.workers = 2;
    options.least_unit_bytes = 4 << 20;
    for (int i = 0; i < 6; ++i) folder.write(fmt::format("text/{}.txt", i), "one two. two one.");
  }
  void expect_nothing_left() { EXPECT_THAT(folder.names(), ElementsAre("text", "vocab.txt")); }
  PrepareFolder folder;
  PrepareOptions options;
};

// A dump that was cut off: the reader notices in the middle of its file.
constexpr char kCutDump[] =
    "<mediawiki><page><title>A</title><ns>0</ns><revision><text>one two</text></revision></page>\n"
    "<page><title>B</title>";

TEST_F(PrepareFailures, ADamagedFileOnOneRank) {
  folder.write("text/3.xml", kCutDump);
  // A unit of its own, and the largest: rank 0's. All others are one unit: rank 1's.
  folder.write("text/9.txt", std::string(5'000'000, 'x'));
  for (const int ranks : {1, 2, 3, 4}) {
    const auto error = agreed_error(prepare_on(ranks, options));
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), HasSubstr("3.xml"));
    if (ranks > 1) {
      EXPECT_THAT(error.where(), HasSubstr(", rank 1"));
    }
    expect_nothing_left();
  }
}

TEST_F(PrepareFailures, AnOldCorpusOutlivesAFailure) {
  prepare_alone(options);
  const auto before = folder_bytes(options.output);
  folder.write("text/3.xml", kCutDump);
  agreed_error(prepare_on(2, options));
  EXPECT_TRUE(folder_bytes(options.output) == before);
  std::filesystem::remove(folder / "text" / "3.xml");
  folder.write("text/0.txt", "two two two");
  prepare_alone(options);
  EXPECT_FALSE(folder_bytes(options.output) == before);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "text", "vocab.txt"));
}

TEST_F(PrepareFailures, WhatIsNoCorpusIsNotReplaced) {
  const auto refused = [&](const std::string& why) {
    const auto error = agreed_error(prepare_on(2, options));
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), HasSubstr(why));
  };
  options.output = folder / "text";
  refused("holds something else than a corpus");
  options.output = folder / "vocab.txt";
  refused("is no folder");
  folder.write("checkpoint/manifest.json", "{\"format\": \"bertha-checkpoint\"}");
  options.output = folder / "checkpoint";
  refused("holds something else than a corpus");
  EXPECT_THAT(folder.names(), ElementsAre("checkpoint", "text", "vocab.txt"));
  EXPECT_EQ(folder_bytes(folder / "text").size(), 6u);
  std::filesystem::create_directory(folder / "empty");
  options.output = folder / "empty";
  prepare_alone(options);
  EXPECT_TRUE(std::filesystem::exists(folder / "empty" / "manifest.json"));
  options.output = (folder / "slash").string() + "/";
  prepare_alone(options);
  EXPECT_TRUE(std::filesystem::exists(folder / "slash" / "manifest.json"));
}

TEST_F(PrepareFailures, NoDocuments) {
  for (int i = 0; i < 6; ++i) folder.write(fmt::format("text/{}.txt", i), i % 2 == 0 ? "" : " \n");
  for (const int ranks : {1, 3}) {
    const auto error = agreed_error(prepare_on(ranks, options));
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), HasSubstr("no documents with text in"));
    EXPECT_THAT(error.message(), HasSubstr("0.txt and 5 more file(s)"));
    EXPECT_THAT(error.remedy(), HasSubstr("input.format"));
    expect_nothing_left();
  }
}

TEST_F(PrepareFailures, BeforeTextIsRead) {
  const auto fails = [&](ErrorKind kind, const std::string& why) {
    const auto error = agreed_error(prepare_on(2, options));
    EXPECT_EQ(error.kind(), kind) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(why));
  };
  const PrepareOptions good = options;
  options.input.paths = {(folder / "no-such.txt").string()};
  fails(ErrorKind::io, "no-such.txt");
  options = good;
  options.vocabulary = folder / "no-vocab.txt";
  fails(ErrorKind::io, "no-vocab.txt");
  options.vocabulary = folder / "text" / "0.txt";
  fails(ErrorKind::bad_data, "0.txt");
  options = good;
  options.shard_tokens = 0;
  fails(ErrorKind::usage, "prepare.shard_tokens = 0");
  for (const int workers : {-1, 1025}) {
    options = good;
    options.workers = workers;
    fails(ErrorKind::usage, "prepare.workers");
  }
  for (const double fraction : {-0.1, 1.0, 7.0, std::nan("")}) {
    options = good;
    options.validation_fraction = fraction;
    fails(ErrorKind::usage, "prepare.validation_fraction");
  }
  options = good;
  options.output = "";
  fails(ErrorKind::usage, "prepare.output");
  options.output = folder / "vocab.txt" / "corpus";
  fails(ErrorKind::io, "vocab.txt/corpus");
  expect_nothing_left();
}

TEST_F(PrepareFailures, RanksMustSeeTheSameVocabulary) {
  const auto other = folder.write("text/.other.txt", vocabulary_text({"one", "three"}));
  const auto error = agreed_error(prepare_on(3, options, [&](int rank, PrepareOptions& own) {
    if (rank == 1) own.vocabulary = other;
  }));
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("is not the same file as on rank 0"));
  EXPECT_THAT(error.where(), HasSubstr("rank 1"));
  expect_nothing_left();
}

TEST_F(PrepareFailures, RanksMustShareTheOutput) {
  const auto error = agreed_error(prepare_on(2, options, [&](int rank, PrepareOptions& own) {
    if (rank == 1) own.output = folder / "elsewhere";
  }));
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_THAT(error.remedy(), HasSubstr("all ranks share"));
  expect_nothing_left();
}

// A folder with a tokenizer of Transformers serves as vocabulary, as does an older corpus.
TEST_F(PrepareFailures, AFolderServesAsVocabulary) {
  prepare_alone(options);
  const auto before = folder_bytes(options.output);
  options.vocabulary = options.output;
  prepare_alone(options);
  EXPECT_TRUE(folder_bytes(options.output) == before);
}

// A file size limit fails like a full disk. Whatever the size at which it strikes, the process ends
// normally with an io error and nothing is left.
TEST_F(PrepareFailures, AFullDisk) {
  std::string text;
  for (int i = 0; i < 30000; ++i) text += "one two\n\n";
  folder.write("text/large.txt", text);
  options.input.format = TextFormat::sentences;
  ::fflush(nullptr);
  for (const rlim_t limit : {0, 1000, 60000, 100000, 200000, 400000}) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit ends{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &ends);
      int code = 0;
      for (const auto& outcome : prepare_on(2, options)) {
        if (!outcome.error || outcome.error->kind() != ErrorKind::io ||
            outcome.error->message().find("File too large") == std::string::npos) {
          code = 1;
        }
      }
      std::exit(code);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "limit " << limit;
    expect_nothing_left();
  }
}

}  // namespace
}  // namespace bertha
