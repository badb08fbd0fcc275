// Splits, encoding and steps of labelled examples.
#include "data_pipeline/labelled/labelled_batches.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_encoding.h"
#include "data_pipeline/labelled/labelled_splits.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Example> examples_of(const std::map<std::string, int>& counts) {
  std::vector<Example> examples;
  for (int i = 0; i < 1'000'000; ++i) {
    bool any = false;
    for (const auto& [label, count] : counts) {
      if (i >= count) continue;
      any = true;
      examples.push_back({"t", "", label, examples.size(), false});
    }
    if (!any) break;
  }
  return examples;
}

std::map<std::string, int> counts_of(const std::vector<Example>& examples) {
  std::map<std::string, int> counts;
  for (const auto& example : examples) ++counts[example.label];
  return counts;
}

struct LabelledSplits {
  std::vector<Example> train, validation, test;
};

LabelledSplits split_examples(const std::vector<Example>& all, double validation, double test,
                              std::uint64_t seed, bool stratify) {
  std::vector<std::string> strata;
  for (const auto& example : all) strata.push_back(stratify ? example.label : "");
  const auto places = split_places(strata, {validation, test}, seed);
  LabelledSplits splits;
  for (const auto place : places.train) splits.train.push_back(all[place]);
  for (const auto place : places.validation) splits.validation.push_back(all[place]);
  for (const auto place : places.test) splits.test.push_back(all[place]);
  return splits;
}

TEST(SplitExamples, IsStratified) {
  const auto all = examples_of({{"a", 700}, {"b", 250}, {"c", 49}, {"d", 1}});
  const auto splits = split_examples(all, 0.1, 0.2, 1, true);
  EXPECT_EQ(splits.train.size(), 700U);
  EXPECT_EQ(splits.validation.size(), 100U);
  EXPECT_EQ(splits.test.size(), 200U);
  const auto validation = counts_of(splits.validation), test = counts_of(splits.test);
  EXPECT_EQ(validation.at("a"), 70);
  EXPECT_EQ(validation.at("b"), 25);
  EXPECT_EQ(validation.at("c"), 5);
  EXPECT_EQ(test.at("a"), 140);
  EXPECT_EQ(test.at("b"), 50);
  EXPECT_EQ(counts_of(splits.train).at("d"), 1);
  std::set<std::uint64_t> rows;
  for (const auto* part : {&splits.train, &splits.validation, &splits.test}) {
    for (std::size_t i = 0; i < part->size(); ++i) {
      EXPECT_TRUE(rows.insert((*part)[i].row).second);
      EXPECT_TRUE(i == 0 || (*part)[i - 1].row < (*part)[i].row);  // order of the file
    }
  }
  EXPECT_EQ(rows.size(), all.size());
}

TEST(SplitExamples, DependsOnTheSeed) {
  const auto all = examples_of({{"a", 100}, {"b", 100}});
  const auto validation_rows = [&](std::uint64_t seed, bool stratify) {
    std::vector<std::uint64_t> rows;
    for (const auto& example : split_examples(all, 0.2, 0, seed, stratify).validation) {
      rows.push_back(example.row);
    }
    return rows;
  };
  EXPECT_EQ(validation_rows(1, true), validation_rows(1, true));
  EXPECT_NE(validation_rows(1, true), validation_rows(2, true));
  EXPECT_EQ(validation_rows(1, false).size(), 40U);
}

TEST(SplitExamples, SmallFilesKeepTraining) {
  for (int n = 3; n < 30; ++n) {
    const auto splits = split_examples(examples_of({{"a", n}, {"b", n}}), 0.1, 0.1, 1, true);
    EXPECT_GE(splits.validation.size(), 1U);
    EXPECT_GE(splits.test.size(), 1U);
    EXPECT_EQ(counts_of(splits.train).size(), 2U);
  }
  const auto none = split_examples(examples_of({{"a", 5}}), 0, 0, 1, true);
  EXPECT_EQ(none.train.size(), 5U);
  EXPECT_THAT(none.validation, IsEmpty());
  EXPECT_THAT(split_examples({}, 0.1, 0.1, 1, true).train, IsEmpty());
  EXPECT_EQ(split_examples(examples_of({{"a", 1}}), 0.9, 0, 1, true).train.size(), 1U);
}

TEST(SplitExamples, RefusesWhatAreNoFractions) {
  for (const auto& [validation, test] : std::vector<std::pair<double, double>>{
           {0.5, 0.5}, {-0.1, 0}, {0, -1}, {std::nan(""), 0}, {2, 0}}) {
    try {
      split_examples(examples_of({{"a", 9}}), validation, test, 1, true);
      ADD_FAILURE() << validation << " " << test;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
    }
  }
}

// Contexts with one to six questions each; every second one holds a question without an answer.
TEST(SplitGroups, KeepsGroupsTogetherAndCountsThem) {
  std::vector<std::string> names, strata;
  std::vector<std::string_view> groups;
  for (int context = 0; context < 60; ++context)
    names.push_back("context " + std::to_string(context));
  for (int round = 0; round < 6; ++round) {  // questions of a context need not stand together
    for (int context = 0; context < 60; ++context) {
      if (round > context % 6) continue;
      groups.push_back(names[static_cast<std::size_t>(context)]);
      strata.push_back(context % 2 == 0 && round == 0 ? "unanswered" : "answered");
    }
  }
  const auto places = split_groups(groups, strata, {0.1, 0.2}, 3);
  std::map<std::string_view, std::set<int>> parts_of;
  std::set<std::size_t> all;
  std::vector<std::size_t> contexts, with_unanswered;
  int part = 0;
  for (const auto* list : {&places.train, &places.validation, &places.test}) {
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
    std::set<std::string_view> here, missing;
    for (const auto place : *list) {
      EXPECT_TRUE(all.insert(place).second);
      parts_of[groups[place]].insert(part);
      here.insert(groups[place]);
      if (strata[place] == "unanswered") missing.insert(groups[place]);
    }
    contexts.push_back(here.size());
    with_unanswered.push_back(missing.size());
    ++part;
  }
  EXPECT_EQ(all.size(), groups.size());
  for (const auto& [name, parts] : parts_of) EXPECT_EQ(parts.size(), 1U) << name;
  EXPECT_THAT(contexts, ElementsAre(42, 6, 12));
  EXPECT_THAT(with_unanswered, ElementsAre(21, 3, 6));
  EXPECT_EQ(split_groups(groups, strata, {0.1, 0.2}, 3).test, places.test);
  EXPECT_NE(split_groups(groups, strata, {0.1, 0.2}, 4).test, places.test);
  // All of one context: nothing can be held out.
  EXPECT_THAT(split_groups({"a", "a", "a"}, {"x", "x", "x"}, {0.5, 0}, 1).validation, IsEmpty());
  EXPECT_THROW(split_groups({"a"}, {"x"}, {0.5, 0.5}, 1), Error);
}

class Encoding : public ::testing::Test {
 protected:
  Vocabulary vocabulary_{{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"}, "test"};
  WordPiece tokenizer_{vocabulary_, TokenizerOptions{}};
  mutable WordPiece::Scratch scratch_;

  static Example text(int words, const std::string& label = "") {
    return {repeat("a ", words), "", label, 4, false};
  }
  static Example pair(int first, int second) {
    return {repeat("a ", first), repeat("b ", second), "", 4, true};
  }
  static std::string repeat(const std::string& word, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += word;
    return text;
  }
  EncodedExample encode(const Example& example, int max_length) const {
    return encode_text(example, tokenizer_, max_length, scratch_).sequence;
  }
};

TEST_F(Encoding, SinglesAndPairs) {
  const auto single = encode(text(2), 128);
  EXPECT_THAT(single.tokens, ElementsAre(2, 5, 5, 3));
  EXPECT_THAT(single.segments, ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(single.labels, IsEmpty());
  const auto both = encode(pair(1, 2), 128);
  EXPECT_THAT(both.tokens, ElementsAre(2, 5, 3, 6, 6, 3));
  EXPECT_THAT(both.segments, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(encode(text(0), 128).tokens, ElementsAre(2, 3));
  EXPECT_THAT(encode(pair(1, 0), 128).tokens, ElementsAre(2, 5, 3, 3));
}

// Kept lengths as tokenizers 0.22 gives them with enable_truncation(strategy="longest_first").
TEST_F(Encoding, TruncatesAsTransformersDoes) {
  struct Case {
    int first, second, max_length, kept_first, kept_second;
  };
  for (const Case& c :
       std::vector<Case>{{10, 10, 128, 10, 10}, {10, 10, 20, 8, 9},     {11, 10, 20, 9, 8},
                         {10, 11, 20, 8, 9},    {20, 20, 20, 8, 9},     {20, 20, 21, 9, 9},
                         {30, 5, 20, 12, 5},    {5, 30, 20, 5, 12},     {8, 30, 20, 8, 9},
                         {9, 30, 20, 8, 9},     {30, 8, 20, 9, 8},      {30, 9, 20, 9, 8},
                         {30, 8, 21, 10, 8},    {30, 9, 21, 9, 9},      {9, 30, 21, 9, 9},
                         {30, 30, 5, 1, 1},     {0, 30, 20, 0, 17},     {30, 0, 20, 17, 0},
                         {3, 1, 5, 1, 1},       {100, 100, 128, 62, 63}}) {
    const auto tokens = encode(pair(c.first, c.second), c.max_length).tokens;
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 5), c.kept_first)
        << c.first << " " << c.second << " " << c.max_length;
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 6), c.kept_second)
        << c.first << " " << c.second << " " << c.max_length;
  }
  EXPECT_EQ(encode(text(10), 12).tokens.size(), 12U);
  EXPECT_EQ(encode(text(10), 11).tokens.size(), 11U);
  EXPECT_EQ(encode(text(10), 3).tokens.size(), 3U);
  EXPECT_THROW(encode(text(10), 2), Error);
  EXPECT_THROW(encode(pair(1, 1), 4), Error);
}

TEST_F(Encoding, CountsWhatIsCutOff) {
  const auto lost = [&](const Example& example, int max_length) {
    return encode_text(example, tokenizer_, max_length, scratch_).lost_tokens;
  };
  EXPECT_EQ(lost(text(10), 12), 0U);
  EXPECT_EQ(lost(text(10), 11), 1U);
  EXPECT_EQ(lost(pair(10, 10), 20), 3U);
  EXPECT_EQ(lost(pair(10, 10), 23), 0U);
}

std::vector<EncodedExample> encoded_examples(std::size_t count, bool classes) {
  std::vector<EncodedExample> examples(count);
  for (std::size_t i = 0; i < count; ++i) {
    examples[i].tokens.assign(3 + i % 17, static_cast<std::int32_t>(i));
    examples[i].segments.assign(3 + i % 17, 0);
    if (classes) {
      examples[i].labels = {static_cast<std::int32_t>(i % 5)};
    } else {
      examples[i].values = {static_cast<float>(i)};
    }
    examples[i].number = i;
  }
  return examples;
}

TEST(LabelledStep, AnEpochHasEveryExampleOnceOnAnyNumberOfRanks) {
  const auto examples = encoded_examples(103, true);
  LabelledBatchOptions options;
  options.batch_size = 10;
  options.micro_batch_tokens = 40;
  ASSERT_EQ(steps_in_epoch(103, 10), 11U);
  for (const int world : {1, 2, 3, 4, 12}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t step = 0; step < 11; ++step) {
      std::int64_t sequences = 0;
      for (int r = 0; r < world; ++r) {
        for (const auto& batch : labelled_step(examples, options, {r, world, r, world}, step)) {
          EXPECT_LE(batch.token_count(), 40);
          EXPECT_THAT(batch.values, IsEmpty());
          EXPECT_THAT(batch.next_sentence, IsEmpty());
          ASSERT_EQ(batch.labels.size(), batch.sample_numbers.size());
          sequences += batch.sequence_count();
          for (std::size_t s = 0; s < batch.sample_numbers.size(); ++s) {
            const auto number = batch.sample_numbers[s];
            EXPECT_TRUE(seen.insert(number).second);
            EXPECT_EQ(batch.labels[s], examples[number].labels.front());
            EXPECT_EQ(batch.tokens[static_cast<std::size_t>(batch.sequence_offsets[s])],
                      static_cast<std::int32_t>(number));
          }
        }
      }
      EXPECT_EQ(sequences, step < 10 ? 10 : 3);
    }
    EXPECT_EQ(seen.size(), 103U);
    EXPECT_THAT(labelled_step(examples, options, {0, world, 0, 1}, 11), IsEmpty());
  }
}

TEST(LabelledStep, ShufflesByEpochOrNotAtAll) {
  const auto examples = encoded_examples(50, false);
  LabelledBatchOptions options;
  options.batch_size = 50;
  const auto numbers = [&] {
    const auto batches = labelled_step(examples, options, {}, 0);
    EXPECT_EQ(batches.size(), 1U);
    EXPECT_THAT(batches[0].labels, IsEmpty());
    EXPECT_EQ(batches[0].values.size(), 50U);
    for (std::size_t s = 0; s < 50; ++s) {
      EXPECT_EQ(batches[0].values[s], static_cast<float>(batches[0].sample_numbers[s]));
    }
    return batches[0].sample_numbers;
  };
  const auto first = numbers();
  EXPECT_EQ(first, numbers());
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  options.epoch = 1;
  EXPECT_NE(first, numbers());
  options.epoch = 0;
  options.seed = 2;
  EXPECT_NE(first, numbers());
  options.shuffle = false;
  EXPECT_TRUE(std::ranges::is_sorted(numbers()));
}

TEST(LabelledStep, CountsSteps) {
  EXPECT_EQ(steps_in_epoch(0, 8), 0U);
  EXPECT_EQ(steps_in_epoch(8, 8), 1U);
  EXPECT_EQ(steps_in_epoch(9, 8), 2U);
  EXPECT_THROW(steps_in_epoch(9, 0), Error);
}

}  // namespace
}  // namespace bertha
