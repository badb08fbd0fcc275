// `prepare` that is stopped or killed goes on, and ends with the same bytes.
#include <csignal>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/shards/corpus_verifier.h"
#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class PrepareRestart : public ::testing::Test {
 protected:
  void SetUp() override {
    options.vocabulary = folder.write("vocab.txt", vocabulary_text({"one", "two", "three"}));
    options.output = folder / "corpus";
    options.input.paths = {(folder / "text").string()};
    options.validation_fraction = 0.1;
    options.shard_tokens = 100'000;
    options.workers = 1;
    options.least_unit_bytes = 4 << 20;
    std::mt19937 random(5);
    for (int f = 0; f < 4; ++f) {  // several units of 4 MiB, some of them parts of files
      std::string text;
      while (text.size() < (f % 2 == 0 ? 9'000'000u : 1'600'000u)) {
        text += fmt::format("{{\"text\": \"one {} two {}. Three\"}}\n", random() % 1000, random());
      }
      folder.write(fmt::format("text/{}.jsonl", f), text);
    }
  }
  std::map<std::string, std::string> expected() {
    PrepareOptions undisturbed = options;
    undisturbed.output = folder / "expected";
    prepare_alone(undisturbed);
    return folder_bytes(undisturbed.output);
  }
  // Until the signal, or the end; the number of ranks is that of threads.
  int run_child(int ranks, std::chrono::microseconds kill_after) {
    ::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      int code = 0;
      for (const auto& outcome : prepare_on(ranks, options)) code |= outcome.report ? 0 : 1;
      ::_exit(code);
    }
    std::this_thread::sleep_for(kill_after);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  PrepareFolder folder;
  PrepareOptions options;
};

TEST_F(PrepareRestart, KilledAnywhereTheSameBytesInTheEnd) {
  const auto whole = expected();
  std::mt19937 random(7);
  for (int kill = 0; kill < 10; ++kill) {
    run_child(1 + kill % 3, std::chrono::milliseconds(20 + random() % 300));
    if (fs::exists(options.output)) {
      EXPECT_TRUE(folder_bytes(options.output) == whole);
      fs::remove_all(options.output);
    }
  }
  for (const auto& outcome : prepare_on(2, options)) ASSERT_TRUE(outcome.report);
  EXPECT_TRUE(folder_bytes(options.output) == whole);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "expected", "text", "vocab.txt"));
}

// What runs is counted by the progress: total bytes of what is left to read.
struct Attempt {
  std::uint64_t bytes = 0;                  // to tokenize
  std::uint64_t written = 0, to_write = 0;  // tokens
  std::optional<Error> error;
};
Attempt run_until(const PrepareOptions& options, PrepareStage stop_stage, std::uint64_t stop_at) {
  Attempt run;
  bool stop = false;
  const PrepareHooks hooks{
      .gather = [](std::string_view bytes) { return std::vector{std::string(bytes)}; },
      .progress =
          [&](PrepareStage stage, std::uint64_t done, std::uint64_t total) {
            if (stage == PrepareStage::tokenize) run.bytes = total;
            if (stage == PrepareStage::write) run.written = done, run.to_write = total;
            stop = stop || (stage == stop_stage && done >= stop_at);
          },
      .stop_requested = [&] { return stop; }};
  try {
    prepare_corpus(options, {}, hooks);
  } catch (const Error& error) {
    run.error = error;
  }
  return run;
}

constexpr std::uint64_t kNever = UINT64_MAX;

TEST_F(PrepareRestart, FinishedUnitsAndShardsAreNotDoneAgain) {
  const auto whole = expected();
  const Attempt first = run_until(options, PrepareStage::tokenize, 15'000'000);
  ASSERT_TRUE(first.error);
  EXPECT_EQ(first.error->kind(), ErrorKind::stopped);
  EXPECT_THAT(folder.names(),
              ElementsAre("corpus.preparing", "corpus.staging", "expected", "text", "vocab.txt"));
  const Attempt second = run_until(options, PrepareStage::write, 150'000);
  ASSERT_TRUE(second.error);
  EXPECT_LE(second.bytes, first.bytes - 8'000'000);
  std::string name;
  for (const auto& entry : fs::directory_iterator(folder / "corpus.staging")) {
    if (entry.path().filename().string().starts_with("train-00000")) name = entry.path().string();
  }
  ASSERT_NE(name, "");
  const auto written = fs::last_write_time(name);
  const Attempt third = run_until(options, PrepareStage::write, kNever);
  EXPECT_FALSE(third.error);
  EXPECT_EQ(third.bytes, 0u);
  EXPECT_LT(third.to_write, second.to_write);  // of what is left
  EXPECT_EQ(third.written, third.to_write);
  EXPECT_TRUE(folder_bytes(options.output) == whole);
  EXPECT_EQ(fs::last_write_time(options.output / fs::path(name).filename()), written);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "expected", "text", "vocab.txt"));
}

// A folder where one of many shards should go: its thread fails while the others write theirs.
TEST_F(PrepareRestart, OneOfSeveralWritersFails) {
  options.workers = 4;
  const auto whole = expected();
  std::vector<std::string> shards;
  for (const auto& [name, bytes] : whole) {
    if (name.starts_with("train-")) shards.push_back(name);
  }
  ASSERT_GE(shards.size(), 40u);
  for (const std::size_t place : {shards.size() / 2, shards.size() - 1}) {
    run_until(options, PrepareStage::write, 1);  // all is tokenized, a few shards are whole
    fs::remove(folder / "corpus.preparing" / shards[place]);
    fs::create_directory(folder / "corpus.preparing" / shards[place]);
    const Attempt run = run_until(options, PrepareStage::write, kNever);
    ASSERT_TRUE(run.error) << shards[place];
    EXPECT_EQ(run.error->kind(), ErrorKind::io);
    EXPECT_THAT(run.error->message(), HasSubstr(shards[place]));
    EXPECT_FALSE(fs::exists(options.output));
  }
  for (const auto& outcome : prepare_on(2, options)) ASSERT_TRUE(outcome.report);
  EXPECT_TRUE(folder_bytes(options.output) == whole);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "expected", "text", "vocab.txt"));
}

TEST_F(PrepareRestart, OtherInputsOrOptionsStartAnew) {
  const auto bytes_after = [&](const std::function<void()>& change) {
    run_until(options, PrepareStage::write, 1);  // everything is tokenized
    change();
    const Attempt run = run_until(options, PrepareStage::write, kNever);
    EXPECT_FALSE(run.error) << run.error->message();
    return run.bytes;
  };
  EXPECT_EQ(bytes_after([] {}), 0u);
  EXPECT_EQ(bytes_after([&] { options.shard_tokens = 70'000; }), 0u);  // of the spill, all is good
  EXPECT_TRUE(folder_bytes(options.output) == expected());
  EXPECT_GT(bytes_after([&] { options.tokenizer.lower_case = false; }), 9'000'000u);
  EXPECT_GT(bytes_after([&] { folder.write("text/9.txt", "one more"); }), 9'000'000u);
  EXPECT_GT(bytes_after([&] {
              fs::last_write_time(
                  folder / "text/9.txt",
                  fs::last_write_time(folder / "text/9.txt") + std::chrono::seconds(1));
            }),
            9'000'000u);
  EXPECT_TRUE(folder_bytes(options.output) == expected());
}

TEST_F(PrepareRestart, ADamagedUnitIsDoneAgain) {
  const auto whole = expected();
  run_until(options, PrepareStage::write, 1);
  std::string bytes = folder_bytes(folder / "corpus.preparing").at("spill-00001.done");
  bytes[bytes.size() / 2] ^= 1;
  folder.write("corpus.preparing/spill-00001.done", bytes);
  const Attempt run = run_until(options, PrepareStage::write, kNever);
  EXPECT_GT(run.bytes, 500'000u);
  EXPECT_LT(run.bytes, 5'000'000u);
  EXPECT_TRUE(folder_bytes(options.output) == whole);
}

TEST_F(PrepareRestart, DuplicatesGoWhereverTheyStand) {
  options.drop_duplicates = true;
  options.validation_fraction = 0;
  options.output = folder / "corpus";
  folder.write("text/a.jsonl",
               "{\"text\": \"One two\"}\n{\"text\": \"\u0416 one\"}\n{\"text\": \"three\"}\n");
  folder.write("text/z.jsonl",
               "{\"text\": \"three\"}\n{\"text\": \"one  TWO\"}\n{\"text\": \"\u0414 one\"}\n"
               "{\"text\": \"\u0416 one\"}\n{\"text\": \"two one\"}\n");
  for (int f = 0; f < 6; ++f) fs::remove(folder / fmt::format("text/{}.jsonl", f));
  std::string large;  // cut into batches elsewhere in each copy
  for (int i = 0; i < 30'000; ++i) large += fmt::format("one {} two.\n\n", i);
  folder.write("text/b.txt", large);
  folder.write("text/c.txt", "short");
  folder.write("text/d.txt", large);
  for (const int ranks : {1, 3}) {
    for (const auto& outcome : prepare_on(ranks, options)) {
      ASSERT_TRUE(outcome.report) << outcome.error->message();
      EXPECT_EQ(outcome.report->manifest.statistics.at("duplicate_documents"), 4u);
    }
    const auto documents = split_documents(options.output, "train");
    ASSERT_EQ(documents.size(), 7u);
    EXPECT_EQ(documents[0], (SentenceIds{{5, 6}}));
    EXPECT_EQ(documents[1], (SentenceIds{{1, 5}}));
    EXPECT_EQ(documents[2], (SentenceIds{{7}}));
    EXPECT_EQ(documents[3].size(), 30'000u);
    EXPECT_EQ(documents[5], (SentenceIds{{1, 5}}));  // another unknown word
    EXPECT_EQ(documents[6], (SentenceIds{{6, 5}}));
  }
  options.drop_duplicates = false;
  EXPECT_EQ(prepare_alone(options).manifest.splits.at("train").documents, 11u);
}

TEST_F(PrepareRestart, MarksOfWordsAreTheSameInTheEnd) {
  const std::vector<std::string> characters{"中", "国", "人", "民", "不", "是", "我", "们", "的"};
  options.vocabulary = folder.write("vocab.txt", vocabulary_text(characters));
  options.word_boundaries = true;
  std::mt19937 random(11);
  std::string text;
  while (text.size() < 6'000'000) {
    text += "{\"text\": \"";
    for (int i = 0; i < 40; ++i) {
      text += random() % 7 == 0 ? (random() % 2 == 0 ? "。" : "x") : characters[random() % 9];
    }
    text += "\"}\n";
  }
  folder.write("text/0.jsonl", text);
  const auto whole = expected();
  EXPECT_THAT(verify_corpus(folder / "expected", {}).faults, ::testing::IsEmpty());
  for (int kill = 0; kill < 4; ++kill) {
    run_child(1 + kill % 3, std::chrono::milliseconds(100 + random() % 500));
    if (fs::exists(options.output)) {
      EXPECT_TRUE(folder_bytes(options.output) == whole);
      fs::remove_all(options.output);
    }
  }
  options.workers = 3;
  for (const auto& outcome : prepare_on(2, options)) ASSERT_TRUE(outcome.report);
  EXPECT_TRUE(folder_bytes(options.output) == whole);
  const auto documents = split_documents(options.output, "train");
  options.word_boundaries = false;
  EXPECT_FALSE(prepare_alone(options).manifest.word_boundaries);
  EXPECT_EQ(split_documents(options.output, "train"), documents);
}

TEST_F(PrepareRestart, TwoRunsAtOnceDoNotMix) {
  const auto whole = expected();
  std::jthread other([&] { prepare_on(2, options); });
  prepare_on(2, options);  // waits for the other, and does it again
  other.join();
  EXPECT_TRUE(folder_bytes(options.output) == whole);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "expected", "text", "vocab.txt"));
}

}  // namespace
}  // namespace bertha
