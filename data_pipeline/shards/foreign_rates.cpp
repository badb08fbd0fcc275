// Counts, and words for what is far from usual.
#include "data_pipeline/shards/foreign_rates.h"

#include <algorithm>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr std::uint64_t kEnough = 200;  // sequences or predictions that rates are worth looking at
constexpr std::uint64_t kManySpecial = 100;  // one in so many predictions

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

std::vector<std::string> ForeignRates::oddities() const {
  std::vector<std::string> found;
  if (sequences_ < kEnough || predictions_ < kEnough) return found;
  const auto random = percent(random_, sequences_);
  if (random < 35 || random > 65) {
    found.push_back(fmt::format(
        "{:.1f} % of the next-sentence labels are 1 (random); about 50 are usual", random));
  }
  const auto masked = percent(predictions_, tokens_);
  if (masked < 10 || masked > 20) {
    found.push_back(
        fmt::format("{:.1f} % of the tokens are to be predicted; about 15 are usual", masked));
  }
  if (vocabulary_ == nullptr) return found;
  const auto masks = percent(masks_, predictions_);
  if (masks < 70 || masks > 90) {
    found.push_back(
        fmt::format("{:.1f} % of what is predicted is [MASK] (id {}); about 80 are usual", masks,
                    vocabulary_->mask()));
  }
  if (special_ * kManySpecial > predictions_) {
    found.push_back(
        fmt::format("{} of {} predictions are of special tokens", special_, predictions_));
  }
  return found;
}

void hash_rows(const ForeignRows& rows, Sha256& hash) {
  hash_values(rows.tokens, hash);
  hash_values(rows.masked_positions, hash);
  hash_values(rows.masked_labels, hash);
  hash_values(rows.next_sentence, hash);
}

}  // namespace bertha
