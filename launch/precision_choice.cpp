// Asks the CPU, or LibTorch about the first GPU.
#include "launch/precision_choice.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

namespace bertha {
namespace {

bool cpu_computes_in_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;  // every CPU with AMX has it, too
#else
  return false;
#endif
}

}  // namespace

bool computes_in_bfloat16(DeviceChoice device) {
  const auto& hooks = at::detail::getCUDAHooks();
  if (device != DeviceChoice::cpu && at::globalContext().hasCUDA() && hooks.deviceCount() > 0) {
    return hooks.supportsBFloat16ConvolutionWithCuDNNv8();  // true from compute capability 8.0 on
  }
  return cpu_computes_in_bfloat16();
}

void settle_precision(const std::string& command, TrainOptions& train,
                      const std::function<bool(DeviceChoice)>& made_for_it) {
  const bool trains = command == "pretrain" || command == "finetune" || command == "plan";
  if (train.precision_choice == PrecisionChoice::automatic) {
    const bool bfloat16 = trains && made_for_it(train.device);
    train.precision_choice = bfloat16 ? PrecisionChoice::bf16 : PrecisionChoice::fp32;
  }
  train.precision = train.precision_choice == PrecisionChoice::bf16   ? Precision::bf16
                    : train.precision_choice == PrecisionChoice::fp16 ? Precision::fp16
                                                                      : Precision::fp32;
}

}  // namespace bertha
