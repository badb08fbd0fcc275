// Counting, packing and wording.
#include "data_pipeline/prepare/corpus_statistics.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include <fmt/format.h>

namespace bertha {
namespace {

std::size_t bucket_of(std::uint64_t length) {
  const auto width = static_cast<std::size_t>(std::bit_width(length));
  return std::min(width, CorpusStatistics::kBuckets - 1);
}

// The least length in a bucket.
std::uint64_t least_of(std::size_t bucket) {
  return bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1);
}

// Every number, for packing, unpacking and adding in the same order.
template <class Statistics, class Action>
void for_each_number(Statistics& statistics, Action action) {
  action(statistics.unknown_tokens);
  for (auto& count : statistics.sentence_tokens) action(count);
  for (auto& count : statistics.document_sentences) action(count);
}

}  // namespace

void CorpusStatistics::add_lengths(std::span<const std::uint32_t> lengths) {
  for (const std::uint32_t length : lengths) {
    ++sentence_tokens[bucket_of(length)];
    longest_sentence_tokens = std::max<std::uint64_t>(longest_sentence_tokens, length);
  }
}

void CorpusStatistics::add_document(std::uint64_t sentences) {
  ++document_sentences[bucket_of(sentences)];
}

void CorpusStatistics::add(const CorpusStatistics& other) {
  std::string bytes;
  for_each_number(other, [&](std::uint64_t number) { put_number(bytes, number); });
  MessageReader message(bytes);
  for_each_number(*this, [&](std::uint64_t& number) { number += message.number(); });
  longest_sentence_tokens = std::max(longest_sentence_tokens, other.longest_sentence_tokens);
}

void CorpusStatistics::pack(std::string& bytes) const {
  put_number(bytes, longest_sentence_tokens);
  for_each_number(*this, [&](std::uint64_t number) { put_number(bytes, number); });
}

CorpusStatistics CorpusStatistics::unpack(MessageReader& message) {
  CorpusStatistics statistics;
  statistics.longest_sentence_tokens = message.number();
  for_each_number(statistics, [&](std::uint64_t& number) { number = message.number(); });
  return statistics;
}

void CorpusStatistics::add_to(std::map<std::string, std::uint64_t>& statistics) const {
  statistics["unknown_tokens"] = unknown_tokens;
  statistics["longest_sentence_tokens"] = longest_sentence_tokens;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    if (const auto count = sentence_tokens[bucket]) {
      statistics[fmt::format("sentences_from_{:05}_tokens", least_of(bucket))] = count;
    }
    if (const auto count = document_sentences[bucket]) {
      statistics[fmt::format("documents_from_{:05}_sentences", least_of(bucket))] = count;
    }
  }
}

std::string histogram_text(const CorpusStatistics::Histogram& histogram) {
  const auto all = std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  std::string text;
  for (std::size_t bucket = 0; bucket < histogram.size(); ++bucket) {
    if (histogram[bucket] == 0) continue;
    const std::uint64_t least = least_of(bucket), most = least_of(bucket + 1) - 1;
    text += text.empty() ? "" : ", ";
    text += least < most ? fmt::format("{}-{}", least, most) : fmt::format("{}", least);
    text += fmt::format(": {:.1f} %",
                        100 * static_cast<double>(histogram[bucket]) / static_cast<double>(all));
  }
  return text;
}

}  // namespace bertha
