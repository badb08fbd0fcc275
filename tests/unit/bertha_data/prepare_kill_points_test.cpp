// `prepare` that replaces a corpus, killed before every change it makes to names of files and
// folders.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prepare_samples.h"

namespace {

// Changes until the process ends itself instead of making one; 0: it does not.
std::atomic<int>& moments_left() {
  static std::atomic<int> left{0};
  return left;
}

void pass_moment() {
  if (moments_left() > 0 && --moments_left() == 0) ::kill(::getpid(), SIGKILL);
}

int change_names(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  pass_moment();
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

}  // namespace

// In place of the C library's.
extern "C" int rename(const char* from, const char* to) noexcept {
  return change_names(AT_FDCWD, from, AT_FDCWD, to, 0);
}

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned flags) noexcept {
  return change_names(from_folder, from, to_folder, to, flags);
}

extern "C" int unlinkat(int folder, const char* name, int flags) noexcept {
  pass_moment();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
}

namespace bertha {
namespace {

using ::testing::ElementsAre;
namespace fs = std::filesystem;
using Bytes = std::map<std::string, std::string>;

class PrepareKillPoints : public ::testing::Test {
 protected:
  void SetUp() override {
    options.vocabulary = folder.write("vocab.txt", vocabulary_text({"one", "two"}));
    options.output = folder / "corpus";
    options.input.paths = {(folder / "text").string()};
    options.validation_fraction = 0.3;
    options.workers = 1;
    // Corpora with shards of the same names and sizes.
    folder.write("text/a.jsonl", documents("one two"));
    prepare_alone(options);
    old_corpus = folder_bytes(options.output);
    fs::rename(options.output, folder / "old");
    folder.write("text/a.jsonl", documents("two one"));
    prepare_alone(options);
    new_corpus = folder_bytes(options.output);
  }
  static std::string documents(const std::string& words) {
    std::string text;
    for (int d = 0; d < 12; ++d) text += "{\"text\": \"" + words + "\"}\n";
    return text;
  }
  void put_old_corpus_there() {
    for (const char* name : {"corpus", "corpus.staging", "corpus.deleted", "corpus.preparing"}) {
      fs::remove_all(folder / name);
    }
    fs::copy(folder / "old", options.output, fs::copy_options::recursive);
  }
  // False when it ended before that moment.
  bool is_killed_at(int moment) {
    ::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      moments_left() = moment;
      ::_exit(prepare_on(1, options)[0].report ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return true;
    EXPECT_EQ(status, 0);
    return false;
  }

  PrepareFolder folder;
  PrepareOptions options;
  Bytes old_corpus, new_corpus;
};

TEST_F(PrepareKillPoints, TheNextRunEndsWithTheNewCorpus) {
  ASSERT_EQ(old_corpus.size(), new_corpus.size());
  for (const auto& [name, bytes] : old_corpus) {
    ASSERT_EQ(bytes.size(), new_corpus.at(name).size()) << name;
    ASSERT_TRUE(!name.ends_with(".h5") || bytes != new_corpus.at(name)) << name;
  }
  int exchanged = 0, being_removed = 0;
  for (int moment = 1;; ++moment) {
    SCOPED_TRACE(moment);
    ASSERT_LT(moment, 1000);
    put_old_corpus_there();
    const bool killed = is_killed_at(moment);
    const auto there = folder_bytes(options.output);
    ASSERT_TRUE(there == old_corpus || there == new_corpus);
    if (!killed) break;
    exchanged += there == new_corpus && fs::exists(folder / "corpus.staging");
    being_removed += there == new_corpus && fs::exists(folder / "corpus.deleted");
    prepare_alone(options);
    ASSERT_TRUE(folder_bytes(options.output) == new_corpus);
    ASSERT_THAT(folder.names(), ElementsAre("corpus", "old", "text", "vocab.txt"));
  }
  EXPECT_GT(exchanged, 0);
  EXPECT_GT(being_removed, 0);
}

}  // namespace
}  // namespace bertha
