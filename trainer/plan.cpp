// The arithmetic of plans.
#include "trainer/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bertha {
namespace {

constexpr double kFloatBytes = 4;

double element_bytes(Precision precision) {
  return precision == Precision::fp32 ? 4 : 2;
}

// Per token of one layer. Reference: autograd keeps the inputs of seven products, two LayerNorms
// and GELU (8 hidden, 2 intermediate), masks of dropout in fp32, and per head and row of attention
// the softmax in fp32, its mask, and what comes out.
double reference_layer_bytes(const PlanModel& model, double length) {
  const auto& config = model.config;
  const auto hidden = static_cast<double>(config.hidden_size);
  const auto wide = static_cast<double>(config.intermediate_size);
  const double scores = static_cast<double>(config.attention_heads) * length;
  const double bytes = element_bytes(model.precision);
  const double hidden_masks = config.hidden_dropout > 0 ? 2 * hidden * kFloatBytes : 0;
  const double score_bytes = config.attention_dropout > 0 ? 2 * kFloatBytes + bytes : kFloatBytes;
  return (8 * hidden + 2 * wide) * bytes + hidden_masks + scores * score_bytes;
}

// The fused path keeps the tensors of LayerActivations.
double fused_layer_bytes(const PlanModel& model) {
  const auto& config = model.config;
  const auto hidden = static_cast<double>(config.hidden_size);
  const auto wide = static_cast<double>(config.intermediate_size);
  return (8 * hidden + (model.on_gpu ? 2 : 1) * wide) * element_bytes(model.precision) +
         static_cast<double>(config.attention_heads + 2) * kFloatBytes;
}

// What one layer's backward needs besides, once.
double scratch_bytes(const PlanModel& model, double length) {
  const auto& config = model.config;
  const double bytes = element_bytes(model.precision);
  const double rows = static_cast<double>(4 * config.hidden_size + 2 * config.intermediate_size);
  if (model.fused) return rows * bytes;
  return rows * bytes + 2 * kFloatBytes * static_cast<double>(config.attention_heads) * length;
}

// Per masked position: four rows of hidden, and the logits; the reference keeps their logarithms
// and gradients in fp32 beside them.
double head_bytes(const PlanModel& model) {
  const double bytes = element_bytes(model.precision);
  const auto hidden = static_cast<double>(model.config.hidden_size);
  const auto words = static_cast<double>(model.config.vocabulary_size);
  return 4 * hidden * bytes + words * (model.fused ? bytes : bytes + 2 * kFloatBytes);
}

double ring_share(int ranks) {
  return static_cast<double>(ranks - 1) / static_cast<double>(ranks);
}

double slowest_link(const PlanNetwork& network, int ranks) {
  return ranks <= network.ranks_per_node
             ? network.in_node_bytes_per_second
             : std::min(network.in_node_bytes_per_second, network.between_nodes_bytes_per_second);
}

// One pass of a ring or tree over so many bytes: a reduce-scatter or an all-gather.
double pass_seconds(const PlanNetwork& network, double bytes, int ranks) {
  if (ranks == 1) return 0;
  const double messages = std::ceil(bytes / static_cast<double>(network.bucket_bytes));
  return ring_share(ranks) * bytes / slowest_link(network, ranks) +
         messages * network.latency_seconds * std::log2(static_cast<double>(ranks));
}

// Parts of the moments: rank 0's and the largest.
std::pair<double, double> shares_of(const PlanModel& model, int ranks) {
  if (model.sharding != Sharding::whole_parameters) return {1.0 / ranks, 1.0 / ranks};
  const FlatOutline space{model.offsets, model.parameters};
  std::int64_t first = 0, largest = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto size = owned_range(space, {rank, ranks, 0, 1}, model.sharding).size();
    if (rank == 0) first = size;
    largest = std::max(largest, size);
  }
  const auto all = static_cast<double>(model.parameters);
  return {static_cast<double>(first) / all, static_cast<double>(largest) / all};
}

}  // namespace

double activation_bytes(const PlanModel& model, const PlanBatch& batch) {
  const auto tokens = static_cast<double>(batch.micro_batch_tokens);
  const auto length = static_cast<double>(batch.longest_sequence);
  const double layer =
      model.fused ? fused_layer_bytes(model) : reference_layer_bytes(model, length);
  // Recomputed layers keep their input, and one of them everything.
  const bool recomputes = model.config.recompute == Recompute::layers;
  const double inputs =
      static_cast<double>(model.config.hidden_size) * element_bytes(model.precision);
  const auto count = static_cast<double>(model.config.layers);
  const double layers = recomputes ? count * inputs + layer : count * layer;
  const double embeddings =
      3 * static_cast<double>(model.config.hidden_size) * element_bytes(model.precision);
  return tokens * (layers + embeddings + scratch_bytes(model, length) +
                   batch.predictions_per_token * head_bytes(model));
}

PlanMemory plan_memory(const PlanModel& model, const PlanBatch& batch, int ranks, bool sharded) {
  const auto elements = static_cast<double>(model.parameters);
  PlanMemory memory;
  memory.weights = elements * (model.precision == Precision::fp32 ? 4 : 4 + 2);
  memory.gradients = elements * kFloatBytes;
  memory.activations = activation_bytes(model, batch);
  memory.program = model.program_bytes;
  // Who saves while training goes on holds a copy: weights on rank 0, moments as they are written.
  const double all_moments = elements * 2 * model.moment_bytes;
  const double copies = model.async_save ? 1 : 0;
  if (!sharded) {
    memory.moments = all_moments;
    const double written = std::max(0.0, 3.0 / ranks - 1.0) / 2.0;  // see moments_to_write()
    memory.saving = copies * (elements * kFloatBytes + all_moments * written);
    return memory;
  }
  const auto [first, largest] = shares_of(model, ranks);
  memory.moments = all_moments * first;
  memory.saving = copies * (elements * kFloatBytes + memory.moments);
  if (const double most = all_moments * largest;
      most * (1 + copies) > memory.moments + memory.saving) {
    memory.moments = most;
    memory.saving = copies * most;
  }
  return memory;
}

double all_reduce_seconds(const PlanNetwork& network, std::int64_t elements, int ranks) {
  const double bytes = static_cast<double>(elements) * network.reduce_bytes;
  return 2 * pass_seconds(network, bytes, ranks);
}

PlanStep plan_step(const PlanQuestion& question, int ranks) {
  const auto& batch = question.batch;
  PlanStep step;
  const double sequences = std::ceil(static_cast<double>(batch.global_batch) / ranks);
  const double tokens = sequences * batch.tokens_per_sequence;
  const double micro = std::min(tokens, static_cast<double>(batch.micro_batch_tokens));
  step.micro_batches = static_cast<std::int64_t>(std::ceil(tokens / micro - 1e-9));
  step.compute = tokens / question.speed.tokens_per_second;
  step.optimizer = question.speed.optimizer_seconds *
                   (question.sharded ? shares_of(question.model, ranks).second : 1.0);

  const auto& network = question.network;
  const double bytes = static_cast<double>(question.model.parameters) * network.reduce_bytes;
  const double passes = question.sharded ? 1 : 2;  // sharded: the second moves weights, below
  const double reduction = passes * pass_seconds(network, bytes, ranks);
  const auto one_bucket = [&](double all) {
    return pass_seconds(network, std::min<double>(all, static_cast<double>(network.bucket_bytes)),
                        ranks);
  };
  const double backward = 2.0 / 3.0 * micro / question.speed.tokens_per_second;
  step.exposed_communication = std::max(passes * one_bucket(bytes), reduction - backward);
  if (question.sharded) {
    const double weights = static_cast<double>(question.model.parameters) * kFloatBytes;
    step.exposed_communication +=
        std::max(one_bucket(weights), pass_seconds(network, weights, ranks) - backward / 2);
  }
  return step;
}

std::int64_t fitting_micro_batch(const PlanQuestion& question, int ranks, double memory_bytes) {
  auto batch = question.batch;
  const auto length = batch.longest_sequence;
  batch.micro_batch_tokens = 0;
  const double rest = plan_memory(question.model, batch, ranks, question.sharded).total();
  batch.micro_batch_tokens = length;
  const double sequence = activation_bytes(question.model, batch);
  const double share = std::ceil(static_cast<double>(batch.global_batch) / ranks);
  const double fitting = std::floor(std::max(0.0, memory_bytes - rest) / sequence);
  return length * static_cast<std::int64_t>(std::min(fitting, share));
}

}  // namespace bertha
