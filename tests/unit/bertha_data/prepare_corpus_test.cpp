// What `prepare` makes out of text: ids, order, splits, shards; the same on any number of ranks.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include <bzlib.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/shards/corpus_verifier.h"
#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class PrepareCorpus : public ::testing::Test {
 protected:
  void SetUp() override {
    options.vocabulary = folder.write("vocab.txt", vocabulary_text({"one", "two", "three"}));
    options.output = folder / "corpus";
    options.input.paths = {(folder / "text").string()};
    options.validation_fraction = 0;
    options.workers = 1;
  }
  // Document n holds its number, so that documents are told apart.
  void write_documents(int count) {
    std::string text;
    for (int n = 0; n < count; ++n) text += fmt::format("one {}\ntwo three\n\n", n);
    folder.write("text/documents.txt", text);
    options.input.format = TextFormat::sentences;
  }
  PrepareFolder folder;
  PrepareOptions options;
};

TEST_F(PrepareCorpus, IdsBySentenceInInputOrder) {
  folder.write("text/b.txt", "Two. Three, one two.\n\nONE");  // a document, sentences split
  folder.write("text/a.jsonl", "{\"text\": \"one one\"}\n{\"text\": \"\xE2\x82\xAC three\"}\n");
  options.input.paths = {(folder / "text" / "b.txt").string(), (folder / "text").string()};
  const auto report = prepare_alone(options);
  // one two three: 5 6 7; letters follow, then "." and ","; the euro sign is unknown.
  const std::int32_t dot = 8 + 2 * 36, comma = dot + 1;
  EXPECT_THAT(split_documents(options.output, "train"),
              ElementsAre(SentenceIds{{5, 5}}, SentenceIds{{1, 7}},
                          SentenceIds{{6, dot}, {7, comma, 5, 6, dot}, {5}}));
  const auto& train = report.manifest.splits.at("train");
  EXPECT_EQ(train.documents, 3u);
  EXPECT_EQ(train.sentences, 5u);
  EXPECT_EQ(train.tokens, 12u);
  EXPECT_EQ(report.manifest.statistics.at("unknown_tokens"), 1u);
  EXPECT_EQ(report.manifest.statistics.at("longest_sentence_tokens"), 5u);
  EXPECT_EQ(report.read.documents, 3u);
  EXPECT_THAT(verify_corpus(options.output, {}).faults, IsEmpty());
  EXPECT_EQ(CorpusManifest::from_folder(options.output), report.manifest);
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "text", "vocab.txt"));
}

TEST_F(PrepareCorpus, HoldsWhatItShould) {
  write_documents(3);
  prepare_alone(options);
  std::vector<std::string> names;
  for (const auto& [name, bytes] : folder_bytes(options.output)) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("manifest.json", "tokenizer.json", "tokenizer_config.json",
                                 "train-00000-of-00001.h5", "vocab.txt"));
  EXPECT_EQ(folder_bytes(options.output).at("vocab.txt"), vocabulary_text({"one", "two", "three"}));
}

TEST_F(PrepareCorpus, CountsWhatItPassesOver) {
  folder.write("text/a.jsonl", "{\"text\": \"one\"}\nnonsense\n{\"text\": 3}\n{\"text\": \" \"}\n");
  folder.write("text/b.jsonl", "{\"text\": \"two\"}\n{}\n");
  folder.write("text/c.txt", "caf\xE9 two");
  folder.write("text/d.txt", "\xE2\x80\x8B\x01");  // only what the tokenizer drops
  for (const int ranks : {1, 3}) {
    const auto outcomes = prepare_on(ranks, options);
    for (const auto& outcome : outcomes) {
      ASSERT_TRUE(outcome.report) << outcome.error->message();
      const auto& statistics = outcome.report->manifest.statistics;
      EXPECT_EQ(statistics.at("skipped_malformed"), 3u);
      EXPECT_EQ(statistics.at("malformed_not_json"), 1u);
      EXPECT_EQ(statistics.at("malformed_without_field"), 1u);
      EXPECT_EQ(statistics.at("malformed_not_text"), 1u);
      EXPECT_EQ(statistics.at("malformed_too_long"), 0u);
      EXPECT_EQ(statistics.at("skipped_empty"), 1u);
      EXPECT_EQ(statistics.at("replaced_bytes"), 1u);
      EXPECT_EQ(statistics.at("documents_without_tokens"), 1u);
      EXPECT_EQ(outcome.report->manifest.splits.at("train").documents, 3u);
      EXPECT_THAT(outcome.report->read.first_malformed, ::testing::HasSubstr("a.jsonl:2"));
    }
  }
}

std::string bzip2_stream(std::string text) {
  std::string out(text.size() + text.size() / 50 + 700, '\0');
  auto size = static_cast<unsigned>(out.size());
  if (BZ2_bzBuffToBuffCompress(out.data(), &size, text.data(), static_cast<unsigned>(text.size()),
                               1, 0, 0) != BZ_OK) {
    ADD_FAILURE() << "bzip2";
  }
  out.resize(size);
  return out;
}

// As Wikipedia's multistream dumps: head, ten pages a stream, end.
std::string multistream_dump(int pages, const std::function<std::string(std::size_t)>& words) {
  std::string dump = bzip2_stream("<mediawiki version=\"0.10\">\n  <siteinfo>\n  </siteinfo>\n"),
              group;
  for (int page = 0; page < pages; ++page) {
    group += fmt::format(
        "  <page>\n    <title>T{}</title>\n    <ns>0</ns>\n    <revision>\n      <text>{}</text>\n"
        "    </revision>\n  </page>\n",
        page, words(300));
    if (page % 10 == 9) dump += bzip2_stream(std::exchange(group, {}));
  }
  return dump + bzip2_stream(group + "</mediawiki>\n");
}

TEST_F(PrepareCorpus, TheSameBytesOnAnyRanksAndThreads) {
  std::mt19937 random(3);
  const auto words = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += fmt::format("{}{}", random() % 1000, random() % 9 == 0 ? ". Two " : " ");
    }
    return text;
  };
  for (int f = 0; f < 7; ++f) {
    std::string text;
    for (std::size_t d = 0; d < 40 + random() % 100; ++d) {
      text += fmt::format("{{\"text\": \"{} {} {}\"}}\n", f, d, words(20 + random() % 60));
    }
    folder.write(fmt::format("text/{}.jsonl", f), text);
  }
  std::string large;  // over a batch, so that it is cut and put together again
  for (int p = 0; p < 700; ++p) large += words(200) + "\n\n";
  ASSERT_GT(large.size(), std::size_t{1} << 19);
  folder.write("text/large.txt", large);
  folder.write("text/3-empty.txt", "");
  folder.write("text/dump.xml.bz2", multistream_dump(200, words));
  std::string sentences;
  while (sentences.size() < 300'000) {
    for (std::size_t s = 0; s < 1 + random() % 9; ++s) sentences += words(1 + random() % 30) + "\n";
    sentences += "\n";
  }
  folder.write("text/lines.sentences", sentences);
  options.least_unit_bytes = 64 << 10;
  const auto units = plan_units(find_input_files(options.input), options.least_unit_bytes);
  ASSERT_GT(units.size(), 8u);
  const auto parts_of = [&](const std::string& name) {
    return std::ranges::count_if(units, [&](const InputUnit& unit) {
      return unit.files.front().path.filename() == name && unit.files.front().is_part();
    });
  };
  ASSERT_GT(parts_of("dump.xml.bz2"), 2);
  ASSERT_GT(parts_of("lines.sentences"), 2);
  options.validation_fraction = 0.1;
  options.shard_tokens = 20'000;
  prepare_alone(options);
  const auto expected = folder_bytes(options.output);
  EXPECT_GT(expected.size(), 10u);
  EXPECT_THAT(verify_corpus(options.output, {}).faults, IsEmpty());
  for (const int ranks : {1, 2, 3, 9}) {
    for (const int workers : {1, 2, 4}) {
      options.workers = workers;
      for (const auto& outcome : prepare_on(ranks, options)) {
        ASSERT_TRUE(outcome.report) << outcome.error->message();
      }
      EXPECT_TRUE(folder_bytes(options.output) == expected)
          << ranks << " ranks, " << workers << " workers";
    }
  }
  EXPECT_THAT(folder.names(), ElementsAre("corpus", "text", "vocab.txt"));
}

TEST_F(PrepareCorpus, ShardsAreBalancedAndInOrder) {
  write_documents(1000);  // 4 to 6 tokens each
  options.shard_tokens = 700;
  const auto report = prepare_alone(options);
  const auto& train = report.manifest.splits.at("train");
  ASSERT_EQ(train.shards.size(), (train.tokens + 699) / 700);
  const std::uint64_t equal = train.tokens / train.shards.size();
  for (const auto& shard : train.shards) {
    EXPECT_GE(shard.tokens + 6, equal);
    EXPECT_LE(shard.tokens, equal + 7);
  }
  const auto documents = split_documents(options.output, "train");
  ASSERT_EQ(documents.size(), 1000u);
  std::set<SentenceIds> distinct(documents.begin(), documents.end());
  EXPECT_EQ(distinct.size(), 1000u);
  options.output = folder / "one-shard";
  options.shard_tokens = 1 << 30;
  prepare_alone(options);
  EXPECT_TRUE(split_documents(options.output, "train") == documents);
}

TEST_F(PrepareCorpus, AShardHoldsAtLeastADocument) {
  write_documents(5);
  options.shard_tokens = 1;
  for (const int ranks : {1, 3, 8}) {
    for (const auto& outcome : prepare_on(ranks, options)) ASSERT_TRUE(outcome.report);
    const auto manifest = CorpusManifest::from_folder(options.output);
    ASSERT_EQ(manifest.splits.at("train").shards.size(), 5u);
    EXPECT_EQ(manifest.splits.at("train").shards[4].file, "train-00004-of-00005.h5");
    EXPECT_EQ(split_documents(options.output, "train").size(), 5u);
  }
}

std::pair<std::uint64_t, std::uint64_t> counts(const PrepareReport& report) {
  return {report.manifest.splits.at("train").documents,
          report.manifest.splits.at("validation").documents};
}

TEST_F(PrepareCorpus, ValidationFractions) {
  const auto with = [&](int documents, double fraction) {
    write_documents(documents);
    options.validation_fraction = fraction;
    return counts(prepare_alone(options));
  };
  EXPECT_THAT(with(1, 0.5), Pair(1, 0));
  EXPECT_THAT(with(1, 0.999999), Pair(1, 0));
  EXPECT_THAT(with(2, 1e-9), Pair(1, 1));
  EXPECT_THAT(with(2, 0.999999), Pair(1, 1));
  EXPECT_THAT(with(50, 1e-12), Pair(49, 1));
  EXPECT_THAT(with(50, 0.9999999), Pair(1, 49));
  EXPECT_THAT(with(50, 0), Pair(50, 0));
  const auto [train, validation] = with(4000, 0.25);
  EXPECT_EQ(train + validation, 4000u);
  EXPECT_NEAR(static_cast<double>(validation), 1000, 5 * 27.4);  // standard deviations
}

TEST_F(PrepareCorpus, EveryDocumentIsInOneSplit) {
  write_documents(300);
  prepare_alone(options);
  const auto all = split_documents(options.output, "train");
  options.validation_fraction = 0.3;
  prepare_alone(options);
  const auto train = split_documents(options.output, "train");
  const auto validation = split_documents(options.output, "validation");
  std::multiset<SentenceIds> both(train.begin(), train.end());
  both.insert(validation.begin(), validation.end());
  EXPECT_TRUE(both == std::multiset<SentenceIds>(all.begin(), all.end()));
  // A larger fraction keeps those chosen; another seed chooses others.
  options.validation_fraction = 0.5;
  prepare_alone(options);
  const auto more = split_documents(options.output, "validation");
  EXPECT_TRUE(std::includes(more.begin(), more.end(), validation.begin(), validation.end(),
                            [&](const auto& a, const auto& b) {
                              return std::ranges::find(all, a) < std::ranges::find(all, b);
                            }));
  options.seed = 2;
  prepare_alone(options);
  EXPECT_FALSE(split_documents(options.output, "validation") == more);
}

TEST_F(PrepareCorpus, ProgressComesFromTheCaller) {
  write_documents(200'000);  // for much longer than the 10 ms between two looks
  const auto caller = std::this_thread::get_id();
  std::uint64_t last = 0, calls = 0;
  const auto size = std::filesystem::file_size(folder / "text" / "documents.txt");
  prepare_corpus(options, {},
                 {.gather = [](std::string_view bytes) { return std::vector{std::string(bytes)}; },
                  .progress =
                      [&](PrepareStage stage, std::uint64_t done, std::uint64_t total) {
                        if (stage != PrepareStage::tokenize) return;
                        EXPECT_TRUE(std::this_thread::get_id() == caller);
                        EXPECT_EQ(total, size);
                        EXPECT_GE(done, last);
                        last = done;
                        ++calls;
                      },
                  .stop_requested = {}});
  EXPECT_EQ(last, size);
  EXPECT_GT(calls, 1u);
}

// Where it said nothing for long, a rank that is waited for would be taken for one that stands.
TEST_F(PrepareCorpus, EveryStageSaysThatItGetsOn) {
  constexpr int kDocuments = 3000;
  write_documents(kDocuments);
  std::atomic<int> pieces = 0, before_writing = -1;
  prepare_corpus(options, {},
                 {.gather = [](std::string_view bytes) { return std::vector{std::string(bytes)}; },
                  .progress =
                      [&](PrepareStage stage, std::uint64_t, std::uint64_t) {
                        if (stage == PrepareStage::write && before_writing < 0) {
                          before_writing = pieces.load();
                        }
                      },
                  .stop_requested = {},
                  .got_on = [&] { ++pieces; }});
  EXPECT_GE(before_writing, 3);  // the file found, planned for, read
  EXPECT_EQ(pieces - before_writing, kDocuments);
}

}  // namespace
}  // namespace bertha
