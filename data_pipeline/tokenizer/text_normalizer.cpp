// The scanner's words, collected.
#include "data_pipeline/tokenizer/text_normalizer.h"

#include "data_pipeline/tokenizer/word_scanner.h"

namespace bertha {

TextNormalizer::TextNormalizer(const TokenizerOptions& options)
    : table_(CharacterTable::of(options)) {}

void TextNormalizer::split(std::string_view utf8, Words& words) const {
  words.text.clear();
  words.ends.clear();
  words.source.clear();
  words.source_ends.clear();
  WordBuffer buffer;
  WordScanner scanner(table_, utf8, buffer);
  while (scanner.next()) {
    words.text += scanner.word();
    words.ends.push_back(static_cast<std::uint32_t>(words.text.size()));
    words.source.push_back(scanner.begin());
    words.source_ends.push_back(scanner.end());
  }
}

}  // namespace bertha
