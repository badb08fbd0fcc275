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

// Weights as named fp32 tensors, views of the master weights, for files.
std::vector<NamedTensor> named_weights(const ParameterSpace& space);

// What this rank's optimizer holds of `range` (of the flat space), cut at parameter borders; views
// into the moments.
std::vector<MomentSlice> moment_slices(const ParameterSpace& space, Optimizer& optimizer,
                                       FlatRange range);
std::vector<MomentSlice> moment_slices(const ParameterSpace& space, Optimizer& optimizer);

// Which moments a rank writes: what it owns when the optimizer is sharded. Else all ranks hold all
// of them and share the work; rank 0, which writes the weights as well, takes less or none.
FlatRange moments_to_write(std::int64_t flat_size, FlatRange owned, const RankInfo& rank);

// Reads weights into master and compute, and this rank's moments. Collective in effect: every rank
// reads the same folder. Error{bad_data} names what does not fit.
void restore(const std::filesystem::path& checkpoint, ParameterSpace& space, Optimizer& optimizer);

LossScalerState scaler_state(const TrainerState& state);
void store_scaler_state(const LossScalerState& scaler, TrainerState& state);

}  // namespace bertha
