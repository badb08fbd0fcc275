// The tensors of a rank, added up. Two kinds of memory are none of them, and are stated allowances:
// oneDNN's code, and what glibc keeps of blocks that were freed.
#include <algorithm>
#include <vector>

#include "parallel/mpi_communicator.h"
#include "trainer/library_caches.h"
#include "trainer/plan.h"

namespace bertha {
namespace {

constexpr double kFloatBytes = 4;

// What any run touches of LibTorch, MKL, HDF5 and MPI beyond program_bytes, and its vocabulary and
// batches: a model of 32 hidden values took 38 to 43 MB more than is counted otherwise.
constexpr double kRunBytes = 45e6;
// Code, and descriptions, of a product of one shape: 0.85 MB measured, in two caches together.
constexpr double kPrimitiveBytes = 0.9e6;
// Of the reference path's activations: autograd frees and takes tensors of a few MB all the time,
// in the heaps of two threads, and neither gives pages back that lie below one in use. 9 to 13 %
// measured.
constexpr double kHeapShare = 0.13;
// FusedMaskedLm's logit_limits: what is larger is computed a piece at a time.
constexpr double kLogitBytes = 256.0 * (1 << 20), kLogitBytesOnGpu = 2048.0 * (1 << 20);

double element_bytes(Precision precision) {
  return precision == Precision::fp32 ? 4 : 2;
}

// Sizes of a row.
struct Widths {
  explicit Widths(const PlanModel& model)
      : hidden(static_cast<double>(model.config.hidden_size)),
        wide(static_cast<double>(model.config.intermediate_size)),
        heads(static_cast<double>(model.config.attention_heads)),
        words(static_cast<double>(model.config.vocabulary_size)),
        bytes(element_bytes(model.precision)) {}
  double hidden, wide, heads, words;
  double bytes;  // of an element
};

struct Rows {
  Rows(const PlanModel& model, const PlanBatch& batch)
      : tokens(static_cast<double>(batch.micro_batch_tokens)),
        masked(tokens * batch.predictions_per_token),
        read(std::min(tokens, masked + tokens / static_cast<double>(batch.longest_sequence))),
        last(model.leaves_rows_out ? read : tokens) {}
  double tokens, masked;
  double read;  // by heads: of masked positions, and the first of each sequence
  double last;  // that the fused path's last layer computes
};

// Per token of one layer. Autograd keeps the inputs of seven products, two LayerNorms and GELU (8
// hidden, 2 intermediate), masks of dropout in fp32, and per head and row of attention the softmax
// in fp32, its mask, and what comes out.
double reference_layer_bytes(const PlanModel& model, double length) {
  const Widths of(model);
  const double hidden_masks = model.config.hidden_dropout > 0 ? 2 * of.hidden * kFloatBytes : 0;
  const double score_bytes =
      model.config.attention_dropout > 0 ? 2 * kFloatBytes + of.bytes : kFloatBytes;
  return (8 * of.hidden + 2 * of.wide) * of.bytes + hidden_masks + of.heads * length * score_bytes;
}

double reference_bytes(const PlanModel& model, const PlanBatch& batch) {
  const Widths of(model);
  const Rows rows(model, batch);
  const auto length = static_cast<double>(batch.longest_sequence);
  const auto count = static_cast<double>(model.config.layers);
  const double layer = reference_layer_bytes(model, length);
  // Recomputed: inputs, the last layer's own in the heap of the thread that went forward, and those
  // of one at a time in the heap of the thread that goes backward.
  const bool recomputes = model.config.recompute == Recompute::layers && count > 1;
  const double layers = recomputes ? count * of.hidden * of.bytes + 2 * layer : count * layer;
  const double embeddings = 3 * of.hidden * of.bytes;
  // Gradients of what a layer keeps.
  const double backward =
      (4 * of.hidden + 2 * of.wide) * of.bytes + 2 * kFloatBytes * of.heads * length;
  // Rows of hidden, logits, and in fp32 their logarithms and both gradients.
  const double head = 4 * of.hidden * of.bytes + of.words * (of.bytes + 2 * kFloatBytes);
  // Of the words, as the decoder's weight, until the embeddings have added theirs.
  const double word_gradient = of.words * of.hidden * of.bytes;
  return rows.tokens * (layers + embeddings + backward) + rows.masked * head + word_gradient;
}

// All tensors of LayerActivations but the output.
double fused_layer_bytes(const PlanModel& model) {
  const Widths of(model);
  return (7 * of.hidden + (model.on_gpu ? 2 : 1) * of.wide) * of.bytes +
         (of.heads + 2) * kFloatBytes;
}

// Keys and values of all rows; of the last layer's the rest, input and query.
double narrow_layer_bytes(const PlanModel& model, const Rows& rows) {
  const Widths of(model);
  return rows.tokens * 2 * of.hidden * of.bytes +
         rows.last * (fused_layer_bytes(model) - of.hidden * of.bytes);
}

double fused_layers_bytes(const PlanModel& model, const Rows& rows) {
  const Widths of(model);
  const auto count = static_cast<double>(model.config.layers);
  const double output = of.hidden * of.bytes;
  const double outputs = rows.tokens * (count - 1) * output + rows.last * output;
  const double whole = rows.tokens * fused_layer_bytes(model);
  const double last = model.leaves_rows_out ? narrow_layer_bytes(model, rows) : whole;
  if (count == 1) return outputs + last;
  if (model.config.recompute != Recompute::layers) return outputs + (count - 1) * whole + last;
  // One set for all; the last layer's input and query are the only tensors that are its own.
  return outputs + whole + (model.leaves_rows_out ? rows.last * 2 * output : 0);
}

// FusedScratch, without what grows with the masked positions. `outputs`: of a pass that keeps
// nothing, as in validation. On a CPU a weight's gradient is rounded before it is added.
double fused_scratch_bytes(const PlanModel& model, const Rows& rows) {
  const Widths of(model);
  const double outputs = 2 * of.hidden, gradients = 3 * of.hidden + of.wide;
  const double mixed = model.on_gpu ? 3 * of.hidden : 0;
  const bool rounds = !model.on_gpu && model.precision != Precision::fp32;
  return rows.tokens * (outputs + gradients + mixed) * of.bytes +
         (model.leaves_rows_out ? rows.last * of.hidden * of.bytes : 0) +
         (rounds ? of.words * of.hidden * of.bytes : 0);
}

double fused_bytes(const PlanModel& model, const PlanBatch& batch) {
  const Widths of(model);
  const Rows rows(model, batch);
  const double embeddings = rows.tokens * (2 * of.hidden * of.bytes + kFloatBytes);
  const double logits =
      std::min(rows.masked * of.words * of.bytes, model.on_gpu ? kLogitBytesOnGpu : kLogitBytes);
  const double head = rows.masked * (6 * of.hidden * of.bytes + 2 * kFloatBytes) + logits;
  // Of the hidden states: the MLM head's, the pooler's, and their sum.
  const double head_gradients = rows.last * 3 * of.hidden * of.bytes;
  return embeddings + fused_layers_bytes(model, rows) + fused_scratch_bytes(model, rows) + head +
         head_gradients;
}

double library_bytes(const PlanModel& model, double activations) {
  const bool by_onednn = !model.on_gpu && model.precision != Precision::fp32;
  const double heaps = model.fused || model.on_gpu ? 0 : kHeapShare * activations;
  return heaps + (by_onednn ? kLibraryPrimitives * kPrimitiveBytes : 0);
}

// By the rank that owns most, if it owns whole parameters: each bucket of them comes from all other
// ranks, in rounds if that is too much at once.
double received_by_owner(const PlanModel& model, int ranks) {
  const auto buckets = planned_buckets(model, std::max<std::int64_t>(1, model.bucket_bytes / 4));
  const FlatOutline space{model.offsets, model.parameters};
  double most = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto owned = owned_range(space, {rank, ranks, 0, 1}, model.sharding);
    double received = 0;
    for (const auto& bucket : buckets.buckets) {
      const auto part = static_cast<double>(parts_of(bucket, {&owned, 1}).front());
      received += std::min(part * (ranks - 1) * model.reduce_bytes,
                           static_cast<double>(kReceivedAtOnceBytes));
    }
    most = std::max(most, received);
  }
  return most;
}

// In flight at once: all buckets, if the last messages come late.
double communication_bytes(const PlanModel& model, int ranks, bool sharded) {
  if (ranks == 1) return 0;
  const double bytes = static_cast<double>(model.parameters) * model.reduce_bytes;
  const double copy = model.reduce_bytes < 4 ? bytes : 0;  // of the gradient, in the short type
  if (!model.over_mpi) return copy;
  if (!sharded || model.sharding != Sharding::whole_parameters) {
    return copy + bytes / ranks * (ranks - 1);
  }
  return copy + received_by_owner(model, ranks);
}

}  // namespace

BucketPlan planned_buckets(const PlanModel& model, std::int64_t bucket_elements) {
  std::vector<FlatRange> parameters;
  for (std::size_t i = 0; i < model.offsets.size(); ++i) {
    const bool is_last = i + 1 == model.offsets.size();
    parameters.push_back({model.offsets[i], is_last ? model.parameters : model.offsets[i + 1]});
  }
  return plan_buckets(parameters, model.parameters, bucket_elements);
}

PlanShares shares_of(const PlanModel& model, int ranks) {
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

double activation_bytes(const PlanModel& model, const PlanBatch& batch) {
  return model.fused ? fused_bytes(model, batch) : reference_bytes(model, batch);
}

PlanMemory plan_memory(const PlanModel& model, const PlanBatch& given, int ranks, bool sharded) {
  auto batch = given;
  const std::int64_t sequences = (batch.global_batch + ranks - 1) / ranks;  // a rank's share
  batch.micro_batch_tokens = std::min(batch.micro_batch_tokens, sequences * batch.longest_sequence);
  const auto elements = static_cast<double>(model.parameters);
  PlanMemory memory;
  memory.weights = elements * (model.precision == Precision::fp32 ? 4 : 4 + 2);
  memory.gradients = elements * kFloatBytes;
  memory.activations = activation_bytes(model, batch);
  memory.communication = communication_bytes(model, ranks, sharded);
  memory.libraries = library_bytes(model, memory.activations);
  memory.program = model.program_bytes + kRunBytes;
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

}  // namespace bertha
