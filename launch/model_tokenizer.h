// The tokenizer of a model folder.
#pragma once

#include <filesystem>

#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct ModelTokenizer {
  explicit ModelTokenizer(const std::filesystem::path& model_folder);
  Vocabulary vocabulary;
  WordPiece wordpiece;
};

}  // namespace bertha
