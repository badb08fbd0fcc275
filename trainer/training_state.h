// Between a training run in memory and a checkpoint folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/model/parameter_space.h"
#include "trainer/optim/loss_scaler.h"
#include "trainer/optim/optimizer.h"

namespace bertha {

// Weights as named fp32 tensors on the CPU (views where they are there already), for files.
std::vector<NamedTensor> named_weights(const ParameterSpace& space);

// What this rank's optimizer holds, cut at parameter borders; views into the moments.
std::vector<MomentSlice> moment_slices(const ParameterSpace& space, Optimizer& optimizer);

// Reads weights into master and compute, and this rank's moments. Collective in effect: every rank
// reads the same folder. Error{bad_data} names what does not fit.
void restore(const std::filesystem::path& checkpoint, ParameterSpace& space, Optimizer& optimizer);

LossScalerState scaler_state(const TrainerState& state);
void store_scaler_state(const LossScalerState& scaler, TrainerState& state);

}  // namespace bertha
