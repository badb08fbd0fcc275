// All options of one run, by section, as resolved from defaults, INI files and the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/prepare/prepare.h"
#include "trainer/tasks/labelled/task_options.h"
#include "trainer/trainer_config.h"

namespace bertha {

struct VocabOptions {
  std::int32_t size = 30522;
  std::uint64_t min_frequency = 2;
  std::filesystem::path output;
};

struct PlanOptions {
  std::string ranks = "1,8,64,256";
  double tokens_per_second = 0, optimizer_seconds = 0;  // of one device; 0: measured
  double measure_seconds = 10;
  std::int64_t ranks_per_node = 8;
  double in_node_bytes_per_second = 100e9, between_nodes_bytes_per_second = 20e9;
  double latency_seconds = 10e-6;
  double memory_bytes = 0;  // of one rank; 0: this machine's
  double cost_per_rank_hour = 0;
};

struct ExportOptions {
  std::string model = "auto";      // | base | masked_lm | next_sentence | pretraining
  std::string precision = "auto";  // | fp32 | bf16
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
  PlanOptions plan;                  // [plan]
  ExportOptions exporting;           // [export]
  bool dry_run = false;              // [train] dry_run
  bool json = false;                 // --json
  int samples = 0;                   // --samples: how many `inspect` shows
  std::vector<std::string> arguments;           // positional: `inspect PATH`, `report RUN ...`
  std::map<std::string, std::string> resolved;  // "section.option" -> value as used
  std::vector<std::string> given;               // names set by a file or the command line

  bool was_given(const std::string& name) const;
};

inline std::chrono::seconds timeout_of(const RunConfig& config) {
  return std::chrono::seconds(config.trainer.parallel.timeout_seconds);
}

}  // namespace bertha
