// The single-character pieces that vocabulary training starts from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_pipeline/tokenizer/string_hash.h"

namespace bertha {

struct CountedWord {
  std::string_view text;
  std::uint64_t count;
};

class PieceAlphabet {
 public:
  // The `max_characters` most frequent characters, and "##" forms of those that continue words; of
  // these pieces the most frequent `max_pieces`. Equally frequent: the smaller code point wins.
  PieceAlphabet(const std::vector<CountedWord>& words, std::size_t max_characters,
                std::size_t max_pieces);

  // Characters in code point order, then the "##" forms.
  const std::vector<std::string>& pieces() const { return pieces_; }

  // Numbers of the pieces of `word`, appended; false (and nothing appended) when one is missing.
  bool split(std::string_view word, std::vector<std::uint32_t>& numbers) const;

 private:
  std::vector<std::string> pieces_;
  std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> first_, following_;
};

}  // namespace bertha
