// Reads a file, damaged or not, as the program does: through everything that reads that kind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data_pipeline/prepare/prepare.h"
#include "parallel/base/error.h"

namespace bertha {

// What came of a reading. An error of another kind, or one that does not name the file, is thrown.
struct Outcome {
  int refused = 0, read = 0;  // how many of its readers
  std::string told;           // by the last that refused
};

// `kind` is the part before "-" of the folder's name, where the file lies with what belongs to it:
//   corpus     a corpus of ours: verify, its tokenizer, training and validation batches
//   foreign    shards of NVIDIA's or MLPerf's layout and vocab.txt: the same, and `prepare`
//   documents  text in any format and compression (the part behind "-"): whole, in parts, `prepare`
//   questions, words, table   labelled data: to train and to predict
// `number` chooses between ways to read that take turns.
Outcome read_as(const std::string& kind, const std::filesystem::path& file, std::uint64_t number);

// Calls `read`; false for an error that a damaged file deserves.
template <class Read>
void count_outcome(Outcome& outcome, const std::filesystem::path& folder, Read read) {
  try {
    read();
    ++outcome.read;
  } catch (const Error& error) {
    const bool right_kind = error.kind() == ErrorKind::bad_data || error.kind() == ErrorKind::io;
    if (!right_kind || error.message().find(folder.string()) == std::string::npos) throw;
    ++outcome.refused;
    outcome.told = error.message();
  }
}

void prepare_on_one_rank(const PrepareOptions& options);
// The same, into a folder beside `folder`, which is removed again.
void prepare_alone(const InputOptions& input, const std::filesystem::path& vocabulary,
                   const std::filesystem::path& folder);
Outcome read_corpus(const std::filesystem::path& folder, std::uint64_t number);
Outcome read_foreign(const std::filesystem::path& folder, std::uint64_t number);
Outcome read_text(const std::filesystem::path& file, std::uint64_t number);
Outcome read_questions(const std::filesystem::path& file);
Outcome read_words(const std::filesystem::path& file);
Outcome read_table(const std::filesystem::path& file);

}  // namespace bertha
