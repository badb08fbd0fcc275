// What fine-tuning is told: section [task] of the configuration.
#pragma once

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
         test_fraction = 0.1;   // of `train` where those files are not given
  std::string metric = "auto";  // which validation score chooses the best epoch
  int patience = 0;             // epochs without a better score before stopping; 0: never
  std::filesystem::path input, output_file;  // predict
};

}  // namespace bertha
