// The arithmetic of time; of memory: plan_memory.cpp.
#include "trainer/plan.h"

#include <algorithm>
#include <cmath>

namespace bertha {
namespace {

constexpr double kFloatBytes = 4;

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

// The one that goes out last, in which the words are: at least as large as its largest parameter,
// whatever the aim.
std::int64_t last_bucket_elements(const PlanModel& model, std::int64_t bucket_elements) {
  if (model.offsets.empty()) return std::min(model.parameters, bucket_elements);
  return planned_buckets(model, bucket_elements).buckets.back().size();
}

}  // namespace

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
                   (question.sharded ? shares_of(question.model, ranks).largest : 1.0);

  const auto& network = question.network;
  const double bytes = static_cast<double>(question.model.parameters) * network.reduce_bytes;
  const double passes = question.sharded ? 1 : 2;  // sharded: the second moves weights, below
  const double reduction = passes * pass_seconds(network, bytes, ranks);
  const auto last = static_cast<double>(
      last_bucket_elements(question.model, std::max<std::int64_t>(1, network.bucket_bytes / 4)));
  const auto one_bucket = [&](double element_bytes) {
    return pass_seconds(network, last * element_bytes, ranks);
  };
  const double backward = 2.0 / 3.0 * micro / question.speed.tokens_per_second;
  step.exposed_communication =
      std::max(passes * one_bucket(network.reduce_bytes), reduction - backward);
  if (question.sharded) {
    const double weights = static_cast<double>(question.model.parameters) * kFloatBytes;
    step.exposed_communication +=
        std::max(one_bucket(kFloatBytes), pass_seconds(network, weights, ranks) - backward / 2);
  }
  return step;
}

std::int64_t fitting_micro_batch(const PlanQuestion& question, int ranks, double memory_bytes) {
  auto batch = question.batch;
  const auto length = batch.longest_sequence;
  const auto fits = [&](std::int64_t sequences) {
    batch.micro_batch_tokens = sequences * length;
    return plan_memory(question.model, batch, ranks, question.sharded).total() <= memory_bytes;
  };
  std::int64_t most = 0, too_many = (batch.global_batch + ranks - 1) / ranks + 1;
  while (too_many - most > 1) {
    const auto middle = most + (too_many - most) / 2;
    (fits(middle) ? most : too_many) = middle;
  }
  return most * length;
}

}  // namespace bertha
