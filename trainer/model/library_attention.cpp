// Calls of ATen's flash attention; the only file that knows their signatures.
#include "trainer/model/library_attention.h"

#include <cmath>
#include <mutex>
#include <optional>
#include <tuple>

#include <ATen/ATen.h>

#include "parallel/base/philox.h"

namespace bertha {
namespace {

// Query, key and value as [T, heads, head size], without a copy.
std::array<at::Tensor, 3> heads_of(const at::Tensor& mixed, std::int64_t heads) {
  const auto size = mixed.size(1) / 3 / heads;
  const auto parts = mixed.view({mixed.size(0), 3, heads, size});
  return {parts.select(1, 0), parts.select(1, 1), parts.select(1, 2)};
}

std::optional<double> score_scale(const at::Tensor& query) {
  return 1.0 / std::sqrt(static_cast<double>(query.size(2)));
}

// Flash attention draws from the device's generator.
void seed_generator(const LibraryDropout& dropout, at::Device device) {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); };
  const auto& job = dropout.dropout;
  const auto mixed =
      philox_block({low(job.step), job.site, low(dropout.sample), high(dropout.sample)},
                   low(job.seed), high(job.seed) ^ high(job.step));
  auto generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed((static_cast<std::uint64_t>(mixed[0]) << 32) | mixed[1]);
}

// Without it flash attention adds up query gradients by atomics, in any order. It costs nothing
// that could be measured (527 against 524 thousand tokens/s, base, 512 tokens, H100).
class InFixedOrder {
 public:
  InFixedOrder() {
    context_.setDeterministicAlgorithms(true, warn_only_);
    context_.setDeterministicFillUninitializedMemory(false);
  }
  ~InFixedOrder() {
    context_.setDeterministicAlgorithms(before_, warn_only_);
    context_.setDeterministicFillUninitializedMemory(fill_);
  }
  InFixedOrder(const InFixedOrder&) = delete;
  InFixedOrder& operator=(const InFixedOrder&) = delete;

 private:
  at::Context& context_ = at::globalContext();
  const bool before_ = context_.deterministicAlgorithms();
  const bool warn_only_ = context_.deterministicAlgorithmsWarnOnly();
  const bool fill_ = context_.deterministicFillUninitializedMemory();
};

}  // namespace

bool takes_library_attention(KernelDevice device, at::ScalarType type, std::int64_t head_size) {
  return device == KernelDevice::cuda && type == at::kBFloat16 && head_size % 8 == 0 &&
         head_size <= 256;
}

void library_attention_forward(const at::Tensor& mixed, std::int64_t heads, const FusedPass& pass,
                               const LibraryDropout& dropout, LibraryActivations& kept) {
  const auto [query, key, value] = heads_of(mixed, heads);
  const double rate = dropout.dropout.rate;
  if (rate > 0) seed_generator(dropout, mixed.device());
  at::Tensor output;
  std::tie(output, kept.log_sum, kept.random_state, kept.unused, std::ignore) =
      at::_flash_attention_forward(query, key, value, pass.device_offsets, pass.device_offsets,
                                   pass.longest, pass.longest, rate, /*is_causal=*/false,
                                   /*return_debug_mask=*/false, score_scale(query));
  kept.output = output.reshape({mixed.size(0), mixed.size(1) / 3});
}

std::array<at::Tensor, 3> library_attention_backward(const at::Tensor& gradient,
                                                     const at::Tensor& mixed, std::int64_t heads,
                                                     const FusedPass& pass, double dropout_rate,
                                                     const LibraryActivations& kept) {
  const auto [query, key, value] = heads_of(mixed, heads);
  const double rate = pass.context.training ? dropout_rate : 0.0;
  const InFixedOrder order;
  const auto [query_gradient, key_gradient, value_gradient] = at::_flash_attention_backward(
      gradient.view_as(query), query, key, value, kept.output.view_as(query), kept.log_sum,
      pass.device_offsets, pass.device_offsets, pass.longest, pass.longest, rate,
      /*is_causal=*/false, kept.random_state, kept.unused, score_scale(query));
  return {query_gradient.contiguous(), key_gradient.contiguous(), value_gradient.contiguous()};
}

}  // namespace bertha
