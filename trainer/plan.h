// What a run will take on other numbers of ranks: memory, time, cost. A model: nothing here is
// measured but what is passed in. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "parallel/bucket_plan.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/precision.h"
#include "trainer/optim/sharding.h"

namespace bertha {

struct PlanModel {
  BertConfig config;
  std::int64_t parameters = 0;         // elements of the flat space
  std::vector<std::int64_t> offsets;   // of its parameters; for parts of whole ones
  Sharding sharding = Sharding::even;  // of the moments, where they are shared
  Precision precision = Precision::fp32;
  bool fused = false;            // the fused path keeps less than the reference
  bool on_gpu = false;           // where the fused path keeps the activated rows as well
  bool leaves_rows_out = false;  // the fused path's last layer computes what the heads read
  double moment_bytes = 4;       // of one moment of an element
  bool async_save = true;        // ranks hold copies of what they write
  bool over_mpi = true;          // gradients are added up by us, and not by NCCL
  int reduce_bytes = 4;          // of an element of a gradient on its way
  std::int64_t bucket_bytes = 25'000'000;  // the aim; a bucket holds whole parameters
  // What the program takes on this machine before it does anything.
  double program_bytes = 380e6;
};

struct PlanBatch {
  std::int64_t global_batch = 256;      // sequences
  double tokens_per_sequence = 128;     // real ones, on average
  std::int64_t longest_sequence = 128;  // of a micro-batch
  std::int64_t micro_batch_tokens = 8192;
  double predictions_per_token = 0.15;
};

struct PlanSpeed {               // of one device
  double tokens_per_second = 0;  // forward and backward
  double optimizer_seconds = 0;  // of an update of all parameters
};

struct PlanNetwork {
  int ranks_per_node = 8;
  // What a rank's ring gets: bytes per second, and seconds per message.
  double in_node_bytes_per_second = 100e9, between_nodes_bytes_per_second = 20e9;
  double latency_seconds = 10e-6;
  std::int64_t bucket_bytes = 25'000'000;
  int reduce_bytes = 4;  // per element on the wire
};

// Bytes of one rank. Sizes of tensors, out of the code, but for two allowances: `libraries`, what
// others keep to themselves (plan_memory.cpp names all of it), and kRunBytes of `program`. Not in
// it: the sum trees of train.deterministic, and on a GPU the workspaces of cuBLAS and NCCL.
struct PlanMemory {
  double weights = 0, gradients = 0, moments = 0, activations = 0;
  double communication = 0;  // what came from other ranks, before it is added, of all buckets
  double saving = 0;         // copies while a checkpoint is written
  double libraries = 0, program = 0;
  double total() const {
    return weights + gradients + moments + activations + communication + saving + libraries +
           program;
  }
};

struct PlanStep {                  // seconds of one update
  std::int64_t micro_batches = 0;  // of the busiest rank
  double compute = 0, optimizer = 0, exposed_communication = 0;
  double total() const { return compute + optimizer + exposed_communication; }
};

// Parts of the moments that rank 0 holds, and who holds most.
struct PlanShares {
  double first = 1, largest = 1;
};
PlanShares shares_of(const PlanModel& model, int ranks);

// Activations that forward keeps for backward, and backward's scratch, for one micro-batch.
double activation_bytes(const PlanModel& model, const PlanBatch& batch);

// Of the rank that takes the most: rank 0, or the one with the largest part of the moments.
PlanMemory plan_memory(const PlanModel& model, const PlanBatch& batch, int ranks, bool sharded);

// Of an all-reduce of all gradients over `ranks`: a ring moves 2 (n - 1) / n of them through its
// slowest link.
double all_reduce_seconds(const PlanNetwork& network, std::int64_t elements, int ranks);

struct PlanQuestion {
  PlanModel model;
  PlanBatch batch;
  PlanSpeed speed;
  PlanNetwork network;
  bool sharded = false;
};
// The flat space as the run cuts it; see bucket_plan.h.
BucketPlan planned_buckets(const PlanModel& model, std::int64_t bucket_elements);

// Communication hides behind the backward pass of the last micro-batch, but for the last bucket; a
// sharded optimizer's all-gather of weights behind the forward pass of the first, but for the first
// bucket.
PlanStep plan_step(const PlanQuestion& question, int ranks);

// The most tokens per micro-batch, in whole sequences and at most a rank's share, whose memory
// fits; 0: not even one sequence does.
std::int64_t fitting_micro_batch(const PlanQuestion& question, int ranks, double memory_bytes);

}  // namespace bertha
