// What train.precision = auto comes to on this machine.
#pragma once

#include <functional>
#include <string>

#include "trainer/trainer_config.h"

namespace bertha {

// Products in bfloat16 are faster than in float32 there: a GPU of compute capability 8.0 or more
// where a GPU is what `device` will be, else a CPU with AVX512-BF16 or AMX.
bool computes_in_bfloat16(DeviceChoice device);

// Sets `train.precision`, and `train.precision_choice` to the same. auto is bf16 for commands that
// train (pretrain, finetune, plan), where the machine is made for it, which only then is asked;
// fp32 elsewhere: what evaluate and predict print should not depend on the machine.
void settle_precision(const std::string& command, TrainOptions& train,
                      const std::function<bool(DeviceChoice)>& made_for_it = computes_in_bfloat16);

}  // namespace bertha
