// The tokenizer as files that Transformers loads: vocab.txt, tokenizer.json, tokenizer_config.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// The three files by name.
std::map<std::string, std::string> tokenizer_files(const Vocabulary& vocabulary,
                                                   const TokenizerOptions& options, int max_length);
// Writes them into an existing folder.
void write_tokenizer_files(const std::filesystem::path& folder, const Vocabulary& vocabulary,
                           const TokenizerOptions& options, int max_length);

// Options out of a folder's tokenizer_config.json (do_lower_case, strip_accents,
// tokenize_chinese_chars; null strip_accents means as lower_case), or the defaults without one.
TokenizerOptions read_tokenizer_options(const std::filesystem::path& folder);

// The same; nothing where there is no tokenizer_config.json. Transformers goes by that file alone,
// whatever tokenizer.json says.
std::optional<TokenizerOptions> stated_tokenizer_options(const std::filesystem::path& folder);

// vocab.txt of the folder, or the vocabulary inside its tokenizer.json.
Vocabulary read_vocabulary(const std::filesystem::path& folder);

}  // namespace bertha
