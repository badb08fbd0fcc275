// What fine-tuning is told: section [task] of the configuration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace bertha {

struct TaskOptions {
  std::string name = "classification";  // a row of task_table.cpp
  std::filesystem::path train, validation, test;
  std::string text_column, pair_column, label_column, header = "auto", delimiter = "auto";
  std::string label_delimiter = ",";  // between several labels of a text
  int max_length = 128;
  double epochs = 3;
  std::int64_t batch_size = 32;
  double validation_fraction = 0.1,
         test_fraction = 0.1;          // of `train` where those files are not given
  std::string metric = "auto";         // which validation score chooses the best epoch
  int patience = 0;                    // epochs without a better score before stopping; 0: never
  std::string class_weights = "none";  // | balanced
  double layer_decay = 1;              // learning rate of a layer over that of the next above
  std::int64_t freeze_layers = 0;      // embeddings and so many layers learn nothing
  int seeds = 1;                       // runs, from train.seed on
  std::uint64_t split_seed = 0;        // of what is cut off train; 0: train.seed
  std::filesystem::path input, output_file;  // predict
  // question_answering
  int max_query_length = 64, document_stride = 128;  // tokens
  int n_best = 20, max_answer_length = 30;
  std::string unanswerable = "auto";  // auto | true | false: no answer may be the answer
  double null_threshold = 0;
  bool list_n_best = false;
};

}  // namespace bertha
