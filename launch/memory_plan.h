// What the arithmetic of trainer/plan.h takes, out of a run's options.
#pragma once

#include <cstdint>
#include <vector>

#include "launch/run_config.h"
#include "trainer/model/bert.h"
#include "trainer/model/fused_attention.h"
#include "trainer/plan.h"

namespace bertha {

struct ParameterCount {
  std::int64_t weights = 0;           // of the model
  std::int64_t elements = 0;          // of the flat space, gaps included
  std::vector<std::int64_t> offsets;  // of the parameters there
};
// Without building the model. `labels`: outputs of a task's head.
ParameterCount count_parameters(const BertConfig& model, Head head, std::int64_t labels);

// Whose kernels attend on the fused path; plain, too, where the run takes the reference path.
AttentionBy planned_attention(const RunConfig& config, const BertConfig& model);

PlanModel plan_model(const RunConfig& config, const BertConfig& model, const ParameterCount& count);
// Of pretraining.
PlanBatch plan_batch(const RunConfig& config);

double machine_memory_bytes();
// What the program takes before it does anything: with LibTorch's CUDA part some 350 MB more than
// without. Settled by the first call, which run_program makes at its start.
double program_bytes();

}  // namespace bertha
