// Examples to token ids and classes.
#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled_data.h"
#include "data_pipeline/labelled_value.h"
#include "data_pipeline/samples/worker_threads.h"
#include "data_pipeline/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kExamplesPerBlock = 64;

// "longest_first" of Hugging Face tokenizers: only the longer text is cut as long as it stays the
// longer one; else both to half, the longer one (the second, when equal) taking the odd token.
std::pair<std::size_t, std::size_t> kept_lengths(std::size_t first, std::size_t second,
                                                 std::size_t most) {
  const auto shorter = std::min(first, second);
  if (first + second <= most) return {first, second};
  auto kept_shorter = shorter, kept_longer = most - std::min(most, shorter);
  if (kept_longer < shorter) {
    kept_shorter = most / 2;
    kept_longer = most - kept_shorter;
  }
  return first > second ? std::pair(kept_longer, kept_shorter)
                        : std::pair(kept_shorter, kept_longer);
}

class Encoder {
 public:
  Encoder(const WordPiece& tokenizer, int max_length, const std::vector<std::string>& label_names,
          bool regression)
      : tokenizer_(tokenizer),
        max_length_(static_cast<std::size_t>(max_length)),
        regression_(regression) {
    for (std::size_t i = 0; i < label_names.size(); ++i) {
      classes_.emplace(label_names[i], static_cast<std::int32_t>(i));
    }
  }

  EncodedExample encode(const Example& example, WordPiece::Scratch& scratch) const {
    const auto& vocabulary = tokenizer_.vocabulary();
    std::vector<std::int32_t> text, pair;
    tokenizer_.encode(example.text, text, scratch);
    if (example.has_pair) tokenizer_.encode(example.pair, pair, scratch);
    const auto [text_tokens, pair_tokens] =
        example.has_pair ? kept_lengths(text.size(), pair.size(), max_length_ - 3)
                         : std::pair(std::min(text.size(), max_length_ - 2), std::size_t{0});
    EncodedExample encoded;
    encoded.tokens.push_back(vocabulary.cls());
    const auto append = [&](const std::vector<std::int32_t>& ids, std::size_t count,
                            std::int32_t segment) {
      encoded.tokens.insert(encoded.tokens.end(), ids.begin(),
                            ids.begin() + static_cast<std::ptrdiff_t>(count));
      encoded.tokens.push_back(vocabulary.sep());
      encoded.segments.resize(encoded.tokens.size(), segment);
    };
    append(text, text_tokens, 0);
    if (example.has_pair) append(pair, pair_tokens, 1);
    set_label(example, encoded);
    return encoded;
  }

 private:
  void set_label(const Example& example, EncodedExample& encoded) const {
    if (regression_) {
      const auto value = parse_regression_label(example.label);
      if (!value) fail(example, "is not a finite number", "regression needs numbers");
      encoded.value = *value;
    } else if (!classes_.empty()) {
      const auto found = classes_.find(example.label);
      if (found == classes_.end()) {
        fail(example, "is none of the labels the model is trained for",
             "labels must all occur in the training data");
      }
      encoded.label = found->second;
    }
  }
  [[noreturn]] static void fail(const Example& example, const char* what, const char* remedy) {
    throw Error(ErrorKind::bad_data,
                fmt::format("label '{}' in line {} {}", excerpt(example.label), example.row, what),
                remedy);
  }

  const WordPiece& tokenizer_;
  std::size_t max_length_;
  bool regression_;
  std::unordered_map<std::string, std::int32_t> classes_;
};

}  // namespace

std::vector<EncodedExample> encode_examples(const std::vector<Example>& examples,
                                            const WordPiece& tokenizer, int max_length,
                                            const std::vector<std::string>& label_names,
                                            bool regression, int threads) {
  const bool pairs = std::any_of(examples.begin(), examples.end(),
                                 [](const Example& example) { return example.has_pair; });
  const int shortest = pairs ? 5 : 3;
  if (max_length < shortest) {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.max_length is {}; at least {} tokens are needed", max_length, shortest));
  }
  const Encoder encoder(tokenizer, max_length, label_names, regression);
  std::vector<EncodedExample> encoded(examples.size());
  std::vector<WordPiece::Scratch> scratches(
      worker_count(examples.size(), kExamplesPerBlock, threads));
  for_each_block(examples.size(), kExamplesPerBlock, threads,
                 [&](std::size_t worker, std::size_t begin, std::size_t end) {
                   for (auto i = begin; i < end; ++i) {
                     encoded[i] = encoder.encode(examples[i], scratches[worker]);
                     encoded[i].number = i;
                   }
                 });
  return encoded;
}

}  // namespace bertha
