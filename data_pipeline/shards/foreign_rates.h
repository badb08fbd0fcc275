// What ready training samples hold on the whole, and how that differs from the usual.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data_pipeline/shards/foreign_shard.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/sha256.h"

namespace bertha {

struct ForeignOddity {
  std::string text;       // "dataset: what"
  bool is_fault = false;  // so far from the usual that something went wrong
};

class ForeignRates {
 public:
  // The vocabulary, if there is one (null: none), is that of all rows and outlives this.
  explicit ForeignRates(const Vocabulary* vocabulary) : vocabulary_(vocabulary) {}

  void add(const ForeignRows& rows);
  void add(const ForeignRates& other);
  bool is_enough() const;  // sequences and predictions for rates to mean something
  // Next-sentence labels far from even, a mask rate far from 15 %, few [MASK] among the masked,
  // special tokens to be predicted. Nothing unless is_enough().
  std::vector<ForeignOddity> oddities() const;

 private:
  const Vocabulary* vocabulary_;
  std::uint64_t sequences_ = 0, tokens_ = 0, random_ = 0;
  std::uint64_t predictions_ = 0, masks_ = 0, special_ = 0;
};

// The same of several files, each by itself: one that is wrong does not drown among good ones.
class ForeignFileRates {
 public:
  ForeignFileRates(std::string folder, const Vocabulary* vocabulary)
      : folder_(std::move(folder)), few_(vocabulary) {}
  void add(const std::string& file, const ForeignRates& rates);
  // With the file in front, in the order of the files. Those too small to tell are judged together,
  // with the folder in front.
  std::vector<ForeignOddity> oddities() const;

 private:
  std::string folder_;
  ForeignRates few_;
  std::size_t few_files_ = 0;
  std::vector<ForeignOddity> oddities_;
};

// Everything that is trained.
void hash_rows(const ForeignRows& rows, Sha256& hash);

}  // namespace bertha
