// The threads of `prepare`: what they hand to each other is bounded, and they end when some of them
// cannot be started.
#include "data_pipeline/prepare/prepare_pipeline.h"

#include <csignal>
#include <cstdlib>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prepare_samples.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

class PreparePipeline : public ::testing::Test {
 protected:
  PreparePipeline()
      : vocabulary(Vocabulary::from_text(vocabulary_text({"one", "two"}), "vocab.txt")),
        tokenizer(vocabulary, {}) {}

  // Files with paragraphs of all sizes, each a unit.
  std::vector<NumberedUnit> write_units(std::size_t count, std::size_t largest_bytes) {
    std::vector<NumberedUnit> units;
    for (std::size_t u = 0; u < count; ++u) {
      std::string text;
      for (std::size_t bytes = 10; bytes <= largest_bytes; bytes *= 4) {
        for (int n = 0; n < 3; ++n) {
          const auto begin = text.size();
          while (text.size() - begin < bytes) text += fmt::format("one {} two. ", text.size());
          text += "\n\n";
        }
      }
      const auto path = folder.write(fmt::format("{}.txt", u), text);
      units.push_back({u, {find_input_files({.paths = {path.string()}})}});
    }
    return units;
  }
  std::map<std::string, std::string> spill_of(const std::vector<NumberedUnit>& units,
                                              std::size_t most_handed_bytes) {
    const auto spill = folder / fmt::format("spill-{}", most_handed_bytes);
    fs::create_directories(spill);
    DocumentPipeline pipeline(units, tokenizer,
                              {.folder = spill,
                               .text_field = "text",
                               .workers = 6,
                               .most_handed_bytes = most_handed_bytes});
    std::size_t done = 0;
    for (std::vector<FinishedUnit> finished; pipeline.wait(finished);) done += finished.size();
    EXPECT_EQ(done, units.size());
    return folder_bytes(spill);
  }

  PrepareFolder folder;
  Vocabulary vocabulary;
  WordPiece tokenizer;
};

TEST_F(PreparePipeline, HowMuchIsHandedChangesNothing) {
  const auto units = write_units(3, 700'000);
  const auto expected = spill_of(units, std::size_t{256} << 20);
  EXPECT_EQ(expected.size(), 3u);
  EXPECT_TRUE(spill_of(units, 0) == expected);
  EXPECT_TRUE(spill_of(units, 1 << 20) == expected);
}

// A limit on the processes of a user binds no administrator, so the child becomes somebody else.
TEST_F(PreparePipeline, ThreadsThatCannotBeStartedAreAnError) {
  const auto units = write_units(4, 1000);
  fs::permissions(folder.path(), fs::perms::all);
  const auto begin_with_few_threads = [&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(2);
    const rlimit limit{3, 3};
    ::setrlimit(RLIMIT_NPROC, &limit);
    ::alarm(20);  // instead of waiting for ever
    try {
      const DocumentPipeline pipeline(
          units, tokenizer, {.folder = folder.path(), .text_field = "text", .workers = 12});
    } catch (const Error& error) {
      const bool told = error.kind() == ErrorKind::internal &&
                        error.message().find("of 12 threads") != std::string::npos;
      ::_exit(told ? 0 : 3);
    }
    ::_exit(4);
  };
  EXPECT_EXIT(begin_with_few_threads(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace bertha
