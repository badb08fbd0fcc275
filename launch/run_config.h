// All options of one run, by section, as resolved from defaults, INI files and the command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/prepare.h"
#include "trainer/tasks/labelled/task_options.h"
#include "trainer/trainer_config.h"

namespace bertha {

struct VocabOptions {
  std::int32_t size = 30522;
  std::uint64_t min_frequency = 2;
  std::filesystem::path output;
};

struct RunConfig {
  InputOptions input;                // [input]
  std::filesystem::path vocabulary;  // [tokenizer] vocab
  TokenizerOptions tokenizer;        // [tokenizer]
  VocabOptions vocab;                // [vocab]
  PrepareOptions prepare;            // [prepare]; input, vocabulary, tokenizer filled from above
  DataConfig data;                   // [data], [masking]
  TrainerConfig trainer;             // [model] [train] [optimizer] [schedule] [parallel] [metrics]
  TaskOptions task;                  // [task]
  bool json = false;                 // --json
  int samples = 0;                   // --samples: how many `inspect` shows
  std::vector<std::string> arguments;           // positional: `inspect PATH`, `report RUN ...`
  std::map<std::string, std::string> resolved;  // "section.option" -> value as used
  std::vector<std::string> given;               // names set by a file or the command line

  bool was_given(const std::string& name) const;
};

}  // namespace bertha
