// What a training run is told: sections [model], [train], [optimizer], [schedule], [parallel] and
// [metrics] of the configuration. Plain values; meanings and defaults stand in launch/options.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "parallel/gradient_reducer.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/precision.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/optim/loss_scaler.h"
#include "trainer/optim/optimizer.h"

namespace bertha {

enum class DeviceChoice { automatic, cpu, cuda };
enum class PrecisionChoice { automatic, fp32, bf16, fp16 };
enum class Backend { automatic, mpi, nccl };

struct ModelOptions {
  std::string size = "base";
  std::filesystem::path config;  // a config.json; wins over size
  // Overrides of the preset or file.
  std::optional<std::int64_t> hidden_size, layers, attention_heads, intermediate_size,
      max_positions;
  std::optional<double> hidden_dropout, attention_dropout, initializer_range;
  std::string implementation = "auto";  // auto | reference | fused
  Recompute recompute = Recompute::none;
  bool resize_vocabulary = false;  // of train.init's weights, for another vocabulary
};

struct TrainOptions {
  std::filesystem::path output;
  std::filesystem::path init;  // empty: fresh weights
  bool init_moments = false;   // moments from there, too
  std::int64_t steps = 0;      // 0: by epochs
  double epochs = 0;
  std::int64_t global_batch = 256;  // sequences
  std::int64_t micro_batch_tokens = 8192;
  PrecisionChoice precision_choice = PrecisionChoice::automatic;
  Precision precision = Precision::fp32;  // what the choice came to: launch/precision_choice.h
  LossScalerOptions loss_scaler;          // fp16
  DeviceChoice device = DeviceChoice::automatic;
  std::uint64_t seed = 1;
  bool deterministic = false;
  int threads = 0;  // per rank; 0: the node's cores shared by its ranks
  std::int64_t log_every = 10, validate_every = 0, validation_batches = 0, save_every = 0;
  bool async_save = true;
  RetentionOptions retention;
  std::int64_t stop_after_steps = 0;  // 0: never
  double max_seconds = 0;             // of this job; 0: what Slurm says, if anything
  double stop_before_seconds = 120;   // margin before that limit
  std::string resume = "auto";        // auto | never | a checkpoint's path
  bool resume_changed = false;
};

struct ScheduleOptions {
  ScheduleName name = ScheduleName::linear;
  std::int64_t warmup_steps = -1;  // -1: by fraction
  double warmup_fraction = 0.01;
  double power = 1.0, end_rate = 0.0;
  DecayStart decay_from = DecayStart::warmup;
};

struct ParallelOptions {
  Backend backend = Backend::automatic;
  std::int64_t bucket_bytes = 0;  // 0: by the backend
  bool shard_optimizer = false;
  GradientReducer::Precision reduce_precision = GradientReducer::Precision::fp32;
  std::int64_t timeout_seconds = 600;
};

struct MetricsOptions {
  bool jsonl = true, tensorboard = true, progress = true;
};

struct TrainerConfig {
  ModelOptions model;
  TrainOptions train;
  OptimizerOptions optimizer;
  double learning_rate = 1e-4;
  double clip_norm = 1.0;  // 0: off
  ScheduleOptions schedule;
  ParallelOptions parallel;
  MetricsOptions metrics;
};

}  // namespace bertha
