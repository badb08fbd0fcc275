// What `prepare` checks before it reads any text.
#pragma once

#include <filesystem>

#include "data_pipeline/prepare/prepare.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

void check_prepare_options(const PrepareOptions& options);  // Error{usage}

// A corpus, an empty folder or nothing may be replaced; anything else is Error{usage}.
void check_output_folder(const std::filesystem::path& output);

// Of a vocab.txt, or of a folder with a tokenizer.
Vocabulary load_vocabulary(const std::filesystem::path& path);

int worker_count(int wanted, const RankInfo& rank);

}  // namespace bertha
