// For test_optimizer.py: optimizer_probe REQUEST.json reads named weights and per-step gradients,
// takes the steps, on one rank or sharded over several (threads), and writes the weights after each
// of them and the moments at the end.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "parallel/base/staged_output.h"
#include "tests/support/thread_communicator.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/sharding.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

std::vector<ParameterSpec> specs_of(const SafetensorsFile& weights) {
  std::vector<ParameterSpec> specs;
  for (const auto& entry : weights.entries()) specs.push_back({entry.name, entry.shape});
  return specs;
}

OptimizerOptions options_of(const Json& request) {
  OptimizerOptions options{
      request.at("name") == "lamb" ? OptimizerName::lamb : OptimizerName::adamw,
      request.at("beta1"), request.at("beta2"), request.at("epsilon"), request.at("weight_decay")};
  options.trust = {request.value("weight_norm_min", 0.0), request.value("weight_norm_max", 0.0),
                   request.value("trust_ratio_min", 0.0), request.value("trust_ratio_max", 0.0)};
  return options;
}

// Puts this rank's part of every output in its place.
class Outputs {
 public:
  void add(const std::string& name, const at::Tensor& whole, std::int64_t begin,
           const at::Tensor& part) {
    const std::scoped_lock lock(mutex_);
    auto found = places_.find(name);
    if (found == places_.end()) {
      found = places_.emplace(name, at::zeros_like(whole)).first;
      tensors_.push_back({name, found->second});
    }
    found->second.view({-1}).slice(0, begin, begin + part.numel()).copy_(part.view({-1}));
  }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }

 private:
  std::mutex mutex_;
  std::map<std::string, at::Tensor> places_;
  std::vector<NamedTensor> tensors_;
};

void train(const Json& request, Communicator& communicator, Outputs& outputs) {
  const at::NoGradGuard no_gradient;
  const SafetensorsFile weights(request.at("weights").get<std::string>());
  const SafetensorsFile gradients(request.at("gradients").get<std::string>());
  ParameterSpace space(specs_of(weights), Precision::fp32, at::kCPU);
  const auto& parameters = space.parameters();
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    space.master_view(static_cast<int>(p)).copy_(weights.read(parameters[p].name));
  }
  const auto owned = owned_range(space, communicator.rank_info(), Sharding::even);
  const auto optimizer = make_optimizer(options_of(request), space, owned, [&](at::Tensor values) {
    communicator.all_reduce(values, ReduceOp::sum)->wait();
  });
  const auto& steps = request.at("steps");  // [learning rate, gradient scale] of each
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const auto name = std::to_string(i) + " " + parameters[p].name;
      space.gradient_view(static_cast<int>(p)).copy_(gradients.read(name));
    }
    optimizer->step(static_cast<std::int64_t>(i) + 1, steps[i][0], steps[i][1]);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const auto& info = parameters[p];
      const auto begin = std::max(owned.begin, info.offset);
      const auto end = std::min(owned.end, info.offset + info.elements);
      if (begin >= end) continue;
      outputs.add(std::to_string(i) + " " + info.name, space.master_view(static_cast<int>(p)),
                  begin - info.offset, space.master().slice(0, begin, end));
    }
  }
  for (const auto& slice : moment_slices(space, *optimizer)) {
    const auto whole = space.master_view(space.find(slice.parameter)).view({-1});
    outputs.add(slice.moment + " " + slice.parameter, whole, slice.begin, slice.values);
  }
}

void answer(const Json& request) {
  Outputs outputs;
  testing::run_thread_ranks(request.value("ranks", 1), [&](Communicator& communicator) {
    train(request, communicator, outputs);
  });
  write_safetensors(request.at("output").get<std::string>(), outputs.tensors(), {});
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    for (int i = 1; i < argc; ++i) {
      bertha::answer(nlohmann::json::parse(bertha::read_file(argv[i])));
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "optimizer_probe: %s\n", error.what());
    return 1;
  }
}
