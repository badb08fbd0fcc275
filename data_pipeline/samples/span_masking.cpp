// Beginnings in random order, lengths from a table.
#include "data_pipeline/samples/span_masking.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace bertha {
namespace {

constexpr std::size_t kLongest = 10;
constexpr double kStop = 0.2;  // p of the geometric distribution

// Probability of a length of at most i + 1.
constexpr std::array<double, kLongest> make_cumulative() {
  std::array<double, kLongest> cumulative{};
  double weight = 1, sum = 0;
  for (auto& value : cumulative) {
    value = sum += weight;
    weight *= 1 - kStop;
  }
  for (auto& value : cumulative) value /= sum;
  return cumulative;
}
constexpr auto kCumulative = make_cumulative();

}  // namespace

std::size_t draw_span_length(Philox& random) {
  const double draw = random.next_double();
  const auto found = std::upper_bound(kCumulative.begin(), kCumulative.end(), draw);
  return std::min<std::size_t>(static_cast<std::size_t>(found - kCumulative.begin()) + 1, kLongest);
}

std::vector<WordGroup> choose_spans(std::span<const WordGroup> words, std::size_t count,
                                    Philox& random) {
  std::vector<std::size_t> beginnings(words.size());
  std::iota(beginnings.begin(), beginnings.end(), std::size_t{0});
  std::vector<bool> taken(words.size());
  std::vector<WordGroup> spans;
  std::size_t left = count;
  for (std::size_t i = 0; i < beginnings.size() && left > 0; ++i) {
    const auto other = i + static_cast<std::size_t>(random.next_below(beginnings.size() - i));
    std::swap(beginnings[i], beginnings[other]);
    const auto first = beginnings[i];
    if (taken[first] || words[first].size() > left) continue;
    const auto end = std::min(first + draw_span_length(random), words.size());
    WordGroup span{words[first].begin, words[first].begin};
    for (auto w = first; w < end; ++w) {
      if (taken[w] || words[w].begin != span.end || words[w].size() > left) break;
      taken[w] = true;
      span.end = words[w].end;
      left -= words[w].size();
    }
    spans.push_back(span);
  }
  std::ranges::sort(spans, {}, &WordGroup::begin);
  return spans;
}

}  // namespace bertha
