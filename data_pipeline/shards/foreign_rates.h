// What ready training samples hold on the whole, and how that differs from the usual.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data_pipeline/shards/foreign_shard.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/sha256.h"

namespace bertha {

class ForeignRates {
 public:
  // The vocabulary, if there is one (null: none), is that of all rows and outlives this.
  explicit ForeignRates(const Vocabulary* vocabulary) : vocabulary_(vocabulary) {}

  void add(const ForeignRows& rows);
  // Next-sentence labels far from even, a mask rate far from 15 %, few [MASK] among the masked,
  // special tokens to be predicted. Nothing where there are too few rows to tell.
  std::vector<std::string> oddities() const;

 private:
  const Vocabulary* vocabulary_;
  std::uint64_t sequences_ = 0, tokens_ = 0, random_ = 0;
  std::uint64_t predictions_ = 0, masks_ = 0, special_ = 0;
};

// Everything that is trained.
void hash_rows(const ForeignRows& rows, Sha256& hash);

}  // namespace bertha
