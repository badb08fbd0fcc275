// Times training steps of a model on this machine, on made-up tokens: the one measurement that a
// plan stands on.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "parallel/communicator.h"
#include "trainer/model/bert_config.h"
#include "trainer/optim/optimizer.h"
#include "trainer/plan.h"

namespace bertha {

struct StepProbe {
  BertConfig config;
  bool next_sentence = true;
  Precision precision = Precision::fp32;
  at::Device device = at::kCPU;
  OptimizerOptions optimizer;
  std::int64_t sequence_length = 128, tokens = 8192;  // of the one micro-batch
  double predictions_per_token = 0.15;
  double seconds = 10;  // about how long to measure
};

struct MeasuredStep {
  PlanSpeed speed;
  std::int64_t parameters = 0;  // of the flat space
  int steps = 0;
};

// One step to warm up, then at least two. `communicator` is of one rank.
MeasuredStep measure_step(const StepProbe& probe, Communicator& communicator);

}  // namespace bertha
