// Options to optimizer.
#include "launch/optimizer_setup.h"

#include <ATen/core/Tensor.h>

namespace bertha {

Sharding possible_sharding(const TrainerConfig& config) {
  // LAMB: the norms of a parameter are one rank's, and so the same bits as without sharding.
  const bool whole = config.train.deterministic || config.optimizer.name == OptimizerName::lamb;
  return whole ? Sharding::whole_parameters : Sharding::even;
}

Sharding resolve_sharding(const TrainerConfig& config) {
  return config.parallel.shard_optimizer ? possible_sharding(config) : Sharding::none;
}

std::unique_ptr<Optimizer> resolve_optimizer(const TrainerConfig& config, ParameterSpace& space,
                                             Communicator& communicator) {
  auto options = config.optimizer;
  options.seed = config.train.seed;
  const auto owned = owned_range(space, communicator.rank_info(), resolve_sharding(config));
  return make_optimizer(options, space, owned, [&communicator](at::Tensor values) {
    communicator.all_reduce(values, ReduceOp::sum)->wait();
  });
}

}  // namespace bertha
