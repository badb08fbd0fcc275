// Labelled examples for fine-tuning: TSV, CSV and JSON lines; splits; packed batches of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/batch.h"
#include "data_pipeline/tokenizer/wordpiece.h"
#include "parallel/base/rank_info.h"

namespace bertha {

struct LabelledOptions {
  std::string text_column;         // name, or number from 0; empty: "text", or 0 without a header
  std::string pair_column;         // empty: one text
  std::string label_column;        // empty: "label", or 1 without a header
  std::string header = "auto";     // auto | true | false
  std::string delimiter = "auto";  // auto (by extension, then content) | tab | comma | jsonl
  bool regression = false;         // labels are numbers
  bool labelled = true;            // false: prediction input, no label column
};

struct Example {
  std::string text, pair;
  std::string label;      // as in the file; empty without labels
  std::uint64_t row = 0;  // line number in the file, from 1
  bool has_pair = false;  // `pair` is a text, perhaps an empty one
};

// The file may be compressed. TSV knows no quoting, CSV is RFC 4180. Blank lines are passed over in
// labelled files; in a table to predict they are empty texts, so that every line has its answer. To
// predict, a file of another extension than .tsv, .csv, .jsonl and .json is one text a line.
// Error{io}; Error{bad_data} names file, line and column; lists the columns there are.
std::vector<Example> read_labelled_file(const std::filesystem::path& path,
                                        const LabelledOptions& options);

struct LabelledSplits {
  std::vector<Example> train, validation, test;
};
// Cuts validation and test off `all`, seeded, stratified by label; every label keeps at least one
// example in train. The order of the file stays within each split. Error{usage}: fractions that are
// no fractions or leave nothing.
LabelledSplits split_examples(std::vector<Example> all, double validation_fraction,
                              double test_fraction, std::uint64_t seed, bool stratify);

// An example as a sequence: [CLS] text [SEP] (pair [SEP]), cut at the end to max_length as
// Transformers does (truncation = "longest_first").
struct EncodedExample {
  std::vector<std::int32_t> tokens, segments;
  std::int32_t label = -1;
  float value = 0;
  std::uint64_t number = 0;  // index in its list
};
// `label_names`: class id by position; a label that is not among them is Error{bad_data}. Without
// names labels are not looked at and stay -1. Error{usage}: a max_length that holds no text.
std::vector<EncodedExample> encode_examples(const std::vector<Example>& examples,
                                            const WordPiece& tokenizer, int max_length,
                                            const std::vector<std::string>& label_names,
                                            bool regression, int threads);

// Distinct labels: numeric order when all are integers, else byte order.
std::vector<std::string> collect_labels(const std::vector<Example>& examples);

// One epoch of steps. Shuffled by (seed, epoch), or in order when `shuffle` is false; every step's
// `batch_size` examples are shared by the ranks and packed under the token budget.
struct LabelledBatchOptions {
  std::int64_t batch_size = 32;
  std::int64_t micro_batch_tokens = 8192;
  std::uint64_t seed = 1;
  std::uint32_t epoch = 0;
  bool shuffle = true;
};
std::uint64_t steps_in_epoch(std::uint64_t examples, std::int64_t batch_size);
std::vector<Batch> labelled_step(const std::vector<EncodedExample>& examples,
                                 const LabelledBatchOptions& options, const RankInfo& rank,
                                 std::uint64_t step);

}  // namespace bertha
