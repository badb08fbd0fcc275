// Parameters, batches and memory of a run that is not built.
#include "launch/memory_plan.h"

#include <algorithm>
#include <unistd.h>

#include <ATen/Context.h>

#include "launch/optimizer_setup.h"
#include "launch/runtime.h"
#include "parallel/nccl_communicator.h"
#include "trainer/kernels/kernels.h"
#include "trainer/memory_use.h"
#include "trainer/model/fused_layer.h"

namespace bertha {
namespace {

bool takes_gpu(const TrainOptions& train) {
  return train.device != DeviceChoice::cpu && at::globalContext().hasCUDA();
}

bool takes_fused_path(const TrainOptions& train, const BertConfig& model) {
  const bool exists = train.precision != Precision::fp16 &&
                      fused_activation_exists(model.activation) &&
                      (!takes_gpu(train) || cuda_kernels_built());
  return model.implementation == Implementation::fused ||
         (model.implementation == Implementation::automatic && exists);
}

AttentionBy fused_attention_by(const TrainOptions& train, const BertConfig& model) {
  return attention_by(model, takes_gpu(train) ? KernelDevice::cuda : KernelDevice::cpu,
                      train.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat);
}

}  // namespace

AttentionBy planned_attention(const RunConfig& config, const BertConfig& model) {
  const auto& train = config.trainer.train;
  return takes_fused_path(train, model) ? fused_attention_by(train, model) : AttentionBy::plain;
}

ParameterCount count_parameters(const BertConfig& model, Head head, std::int64_t labels) {
  ParameterCount count;
  for (const auto& spec : bert_parameters(model, head, labels)) {
    std::int64_t size = 1;
    for (const auto edge : spec.shape) size *= edge;
    count.weights += size;
    count.offsets.push_back(count.elements);
    count.elements += flat_elements(spec, size);
  }
  return count;
}

PlanModel plan_model(const RunConfig& config, const BertConfig& model,
                     const ParameterCount& count) {
  const auto& train = config.trainer.train;
  const bool on_gpu = takes_gpu(train);
  const auto& parallel = config.trainer.parallel;
  const bool over_mpi = !on_gpu || parallel.backend == Backend::mpi || !nccl_available();
  const double moment_bytes = config.trainer.optimizer.moments == MomentPrecision::bf16 ? 2 : 4;
  return {.config = model,
          .parameters = count.elements,
          .offsets = count.offsets,
          .sharding = possible_sharding(config.trainer),
          .precision = train.precision,
          .fused = takes_fused_path(train, model),
          .on_gpu = on_gpu,
          .leaves_rows_out = !on_gpu || fused_attention_by(train, model) == AttentionBy::tiles,
          .moment_bytes = moment_bytes,
          .async_save = train.async_save,
          .over_mpi = over_mpi,
          .reduce_bytes = parallel.reduce_precision == GradientReducer::Precision::fp32 ? 4 : 2,
          .bucket_bytes = bucket_bytes(parallel, !over_mpi),
          .program_bytes = program_bytes()};
}

PlanBatch plan_batch(const RunConfig& config) {
  const auto length = static_cast<double>(config.data.sequence_length);
  PlanBatch batch;
  batch.global_batch = config.trainer.train.global_batch;
  // Short samples are evenly spread below the full length.
  batch.tokens_per_sequence = length * (1 - config.data.short_sequence_probability / 2);
  batch.longest_sequence = config.data.sequence_length;
  batch.micro_batch_tokens =
      std::max<std::int64_t>(config.trainer.train.micro_batch_tokens, config.data.sequence_length);
  batch.predictions_per_token = config.data.masking.probability;
  if (config.data.masking.max_predictions > 0) {
    batch.predictions_per_token =
        std::min(batch.predictions_per_token, config.data.masking.max_predictions / length);
  }
  return batch;
}

double machine_memory_bytes() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<double>(::sysconf(_SC_PAGE_SIZE));
}

double program_bytes() {
  static const double bytes = peak_resident_bytes();
  return bytes;
}

}  // namespace bertha
