// What a run is going to do, a line per aspect: said at its start, and by train.dry_run.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "launch/run_config.h"
#include "parallel/base/rank_info.h"
#include "trainer/model/bert.h"
#include "trainer/model/fused_attention.h"

namespace bertha {

using Outline = std::vector<std::pair<std::string, std::string>>;  // aspect, text

struct OutlinedModel {
  BertConfig config;
  Head head = Head::pretraining;
  std::int64_t labels = 0;
};
struct OutlinedMachine {
  RankInfo rank;
  std::string device;  // "cpu", "cuda:0"
  int threads = 1;
};
struct OutlinedPretraining {
  OutlinedModel model;
  OutlinedMachine machine;
  std::string corpus;  // "3.1 K documents, 4.2 M tokens"
  std::uint64_t samples_in_epoch = 0;
  std::int64_t total_steps = 0, done_steps = 0;
  std::string start;  // "fresh weights", "resumed from ..."
};
Outline outline_pretraining(const RunConfig& config, const OutlinedPretraining& run);

struct OutlinedFinetuning {
  OutlinedModel model;
  OutlinedMachine machine;
  std::size_t train_rows = 0, validation_rows = 0, test_rows = 0;
  std::vector<std::string> label_names;
  std::int64_t steps_in_epoch = 0, total_steps = 0;
  std::string start;
};
Outline outline_finetuning(const RunConfig& config, const OutlinedFinetuning& run);

// What model.attention_dropout comes to where these kernels attend; empty: what was asked for.
std::string rounded_dropout(double rate, AttentionBy kernels);

// "4 ranks on cpu, 2 threads each".
std::string outlined_machine(const OutlinedMachine& machine);

void log_outline(const Outline& outline);
// On standard output, and that nothing was built or written.
void print_dry_run(const Outline& outline);

// Error{io} when nothing could be written at `folder`: it, or its nearest parent that exists, must
// be a folder that we may write to.
void check_writable(const std::string& folder);

}  // namespace bertha
