// Counts, and words for what is far from usual.
#include "data_pipeline/shards/foreign_rates.h"

#include <algorithm>

#include <fmt/format.h>

#include "data_pipeline/shards/foreign_schema.h"

namespace bertha {
namespace {

constexpr std::uint64_t kEnough = 200;  // sequences or predictions that rates are worth looking at
constexpr std::uint64_t kManySpecial = 100;  // one in so many predictions

// Per cent. Outside `odd` is worth telling, outside `wrong` is no choice that anybody makes: labels
// that are all one, masks on a fiftieth or on most of the words, ids of another vocabulary.
struct Usual {
  double wrong_below, odd_below, odd_above, wrong_above;
};
constexpr Usual kRandomLabels{5, 35, 65, 95};
constexpr Usual kPredicted{2, 10, 20, 60};  // 40 % has been tried with success
constexpr Usual kMasks{5, 70, 90, 101};     // all of them may be [MASK]

double percent(std::uint64_t part, std::uint64_t all) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, all));
}

template <class Value>
void hash_values(const std::vector<Value>& values, Sha256& hash) {
  hash.update(values.data(), values.size() * sizeof(Value));
}

}  // namespace

void ForeignRates::add(const ForeignRows& rows) {
  sequences_ += rows.sequences();
  tokens_ += rows.tokens.size();
  predictions_ += rows.masked_labels.size();
  random_ += static_cast<std::uint64_t>(std::ranges::count(rows.next_sentence, 1));
  if (vocabulary_ == nullptr) return;
  for (std::size_t s = 0; s < rows.sequences(); ++s) {
    for (auto i = rows.prediction_offsets[s]; i < rows.prediction_offsets[s + 1]; ++i) {
      const auto position = static_cast<std::size_t>(rows.masked_positions[i]);
      masks_ += rows.tokens[rows.token_offsets[s] + position] == vocabulary_->mask();
      const auto label = rows.masked_labels[i];
      special_ += vocabulary_->is_special(label) && label != vocabulary_->unknown();
    }
  }
}

void ForeignRates::add(const ForeignRates& other) {
  sequences_ += other.sequences_;
  tokens_ += other.tokens_;
  random_ += other.random_;
  predictions_ += other.predictions_;
  masks_ += other.masks_;
  special_ += other.special_;
}

bool ForeignRates::is_enough() const {
  return sequences_ >= kEnough && predictions_ >= kEnough;
}

std::vector<ForeignOddity> ForeignRates::oddities() const {
  std::vector<ForeignOddity> found;
  if (!is_enough()) return found;
  const auto judge = [&found](double rate, const Usual& usual, const char* dataset,
                              const std::string& what) {
    if (rate >= usual.odd_below && rate <= usual.odd_above) return;
    found.push_back({fmt::format("dataset {}: {:.1f} % {}", dataset, rate, what),
                     rate < usual.wrong_below || rate > usual.wrong_above});
  };
  judge(
      percent(random_, sequences_), kRandomLabels, kForeignNextSentence,
      fmt::format("of the {} next-sentence labels are 1 (random); about 50 are usual", sequences_));
  judge(percent(predictions_, tokens_), kPredicted, kForeignPositions,
        fmt::format("of the {} tokens are to be predicted; about 15 are usual", tokens_));
  if (vocabulary_ == nullptr) return found;
  judge(percent(masks_, predictions_), kMasks, kForeignTokens,
        fmt::format("of the {} tokens to be predicted are [MASK] (id {}); about 80 are usual",
                    predictions_, vocabulary_->mask()));
  if (special_ * kManySpecial > predictions_) {
    found.push_back({fmt::format("dataset {}: {} of {} predictions are of special tokens",
                                 kForeignLabels, special_, predictions_),
                     false});
  }
  return found;
}

void ForeignFileRates::add(const std::string& file, const ForeignRates& rates) {
  if (!rates.is_enough()) {
    few_.add(rates);
    ++few_files_;
    return;
  }
  for (const auto& [text, is_fault] : rates.oddities()) {
    oddities_.push_back({file + ": " + text, is_fault});
  }
}

std::vector<ForeignOddity> ForeignFileRates::oddities() const {
  auto all = oddities_;
  for (const auto& [text, is_fault] : few_.oddities()) {
    all.push_back(
        {fmt::format("{}, {} file(s) of few rows together: {}", folder_, few_files_, text),
         is_fault});
  }
  return all;
}

void hash_rows(const ForeignRows& rows, Sha256& hash) {
  hash_values(rows.tokens, hash);
  hash_values(rows.masked_positions, hash);
  hash_values(rows.masked_labels, hash);
  hash_values(rows.next_sentence, hash);
}

}  // namespace bertha
