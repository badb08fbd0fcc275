// Samples found side by side begin where a planner, document by document, says.
#include "data_pipeline/samples/sample_starts.h"

#include <vector>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using Borders = std::vector<std::uint64_t>;

Borders borders_of(Philox& random, std::uint64_t sentences, std::uint64_t longest) {
  Borders borders{random.next_below(1000)};
  for (std::uint64_t s = 0; s < sentences; ++s) {
    borders.push_back(borders.back() + 1 + random.next_below(longest));
  }
  return borders;
}

// Short and long ones, of short and long sentences; some more than there are lanes.
std::vector<Borders> some_documents(int count) {
  Philox random(1, RandomPurpose::sample_order, 7);
  std::vector<Borders> documents;
  for (int d = 0; d < count; ++d) {
    documents.push_back(
        borders_of(random, 1 + random.next_below(d % 9 == 0 ? 3000 : 40), d % 5 == 0 ? 1 : 60));
  }
  return documents;
}

std::vector<SentenceBorders> in_place(const std::vector<Borders>& documents) {
  std::vector<SentenceBorders> borders;
  for (const auto& document : documents) borders.emplace_back(document);
  return borders;
}

void expect_as_planned(SampleStarts& starts, const std::vector<Borders>& documents,
                       std::uint64_t first, std::uint64_t of_corpus, const PairOptions& options) {
  const SentencesIn never_asked;
  const auto borders = in_place(documents);
  starts.find(first, borders);
  for (std::size_t d = 0; d < documents.size(); ++d) {
    std::vector<std::uint64_t> planned;
    DocumentPlanner planner(first + d, borders[d], of_corpus, never_asked, options);
    for (; !planner.done(); planner.skip()) planned.push_back(planner.place().sentence);
    const auto found = starts.of(d);
    ASSERT_EQ(std::vector(found.begin(), found.end()), planned)
        << "document " << d << ", length " << options.sequence_length;
  }
}

class SampleStartsFound : public ::testing::TestWithParam<bool> {};

TEST_P(SampleStartsFound, AreThePlanners) {
  const auto documents = some_documents(100);
  for (const auto& way : first_number_ways()) {
    for (const int length : {5, 6, 32, 128, 512, 4096}) {
      for (const double is_short : {0.0, 0.1, 1.0}) {
        const PairOptions options{length, GetParam(), is_short, 1ULL << 40 | 3, 5};
        SampleStarts starts(options, 2000, way);
        expect_as_planned(starts, documents, 1700, 2000, options);
        expect_as_planned(starts, some_documents(3), 0, 2000, options);  // fewer than lanes
      }
    }
  }
}

// One in 2^57 samples needs another random number; here all say so.
TEST_P(SampleStartsFound, AreThePlannersWhereNumbersMustBeDrawnAgain) {
  const auto zeros = [](const PhiloxStreams&, FirstNumbers& numbers) { numbers = {}; };
  const PairOptions options{64, GetParam(), 0.5, 8, 2};
  SampleStarts starts(options, 500, {zeros, zeros});
  expect_as_planned(starts, some_documents(40), 3, 500, options);
}

TEST_P(SampleStartsFound, AreThePlannersInACorpusOfOneDocument) {
  const PairOptions options{64, GetParam(), 0.1, 8, 2};
  Philox random(3, RandomPurpose::sample_order, 7);
  for (const std::uint64_t sentences : {1, 2, 3, 200}) {
    SampleStarts starts(options, 1);
    expect_as_planned(starts, {borders_of(random, sentences, 30)}, 0, 1, options);
  }
}

TEST_P(SampleStartsFound, AreNoneInDamagedDocuments) {
  const PairOptions options{64, GetParam(), 0.1, 8, 2};
  for (const auto value : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    auto documents = some_documents(40);
    documents[20].assign({5, 9, value, 20, 31});
    SampleStarts starts(options, 500);
    EXPECT_THROW(starts.find(0, in_place(documents)), Error) << value;
  }
  auto documents = some_documents(40);
  documents[20].assign({5, 9, 9, 20});
  SampleStarts starts(options, 500);
  EXPECT_THROW(starts.find(0, in_place(documents)), Error) << "an empty sentence";
  documents[20].assign({5, 9, 9 + UINT32_MAX, 9 + (std::uint64_t{1} << 33)});
  EXPECT_THROW(starts.find(0, in_place(documents)), Error) << "a sentence of over 32 bits";
}

// As in a shard: what is checked of one document and of many end to end is the same.
TEST_P(SampleStartsFound, AreNoneInADamagedDocumentAmongDocumentsEndToEnd) {
  const PairOptions options{64, GetParam(), 0.1, 8, 2};
  Philox random(4, RandomPurpose::sample_order, 7);
  auto borders = borders_of(random, 1000, 30);
  const auto documents = [&borders] {
    std::vector<SentenceBorders> found;
    for (std::size_t begin = 0; begin < 1000; begin += 20) {
      found.emplace_back(std::span(borders).subspan(begin, 21));
    }
    return found;
  };
  SampleStarts starts(options, 500);
  starts.find(0, documents());
  borders[510] = borders[509];
  EXPECT_THROW(starts.find(0, documents()), Error);
}

TEST(SentenceBorders, MayHaveAFaultWhereALengthHasOne) {
  Borders borders{3, 7, 8, 60};
  EXPECT_FALSE(SentenceBorders(borders).may_have_fault());
  for (const auto length : {std::uint64_t{0}, std::uint64_t{UINT32_MAX} + 1, ~std::uint64_t{0}}) {
    borders[3] = borders[2] + length;
    EXPECT_TRUE(SentenceBorders(borders).may_have_fault()) << length;
    EXPECT_THROW(SentenceBorders(borders).length(2), Error);
  }
}

TEST(SentenceBorders, JoinOnlyWhatLiesEndToEnd) {
  const Borders borders{3, 7, 8, 60, 61};
  const auto all = std::span(borders);
  SentenceBorders first(all.first(3));
  EXPECT_FALSE(first.join(SentenceBorders(all.subspan(3))));
  EXPECT_TRUE(first.join(SentenceBorders(all.subspan(2))));
  EXPECT_EQ(first.sentences(), 4U);
  EXPECT_EQ(first.tokens(0, 4), 58U);
}

INSTANTIATE_TEST_SUITE_P(PairsAndTexts, SampleStartsFound, ::testing::Bool());

}  // namespace
}  // namespace bertha
