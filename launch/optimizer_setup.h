// The optimizer that the options mean for a run, and which part of the weights each rank updates.
#pragma once

#include <memory>

#include "parallel/communicator.h"
#include "trainer/model/parameter_space.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/sharding.h"
#include "trainer/trainer_config.h"

namespace bertha {

// How ranks share an update when they share it; parameters stay whole where sums over them must not
// depend on ranks.
Sharding possible_sharding(const TrainerConfig& config);
// With parallel.shard_optimizer that one, else none.
Sharding resolve_sharding(const TrainerConfig& config);

// Of this rank's part. The communicator must outlive it.
std::unique_ptr<Optimizer> resolve_optimizer(const TrainerConfig& config, ParameterSpace& space,
                                             Communicator& communicator);

}  // namespace bertha
