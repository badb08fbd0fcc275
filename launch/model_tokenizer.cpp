// Reads vocabulary and options from a model folder.
#include "launch/model_tokenizer.h"

#include "data_pipeline/tokenizer/tokenizer_files.h"

namespace bertha {

ModelTokenizer::ModelTokenizer(const std::filesystem::path& model_folder)
    : vocabulary(read_vocabulary(model_folder)),
      wordpiece(vocabulary, read_tokenizer_options(model_folder)) {}

}  // namespace bertha
