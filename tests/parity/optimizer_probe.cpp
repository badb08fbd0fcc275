// For test_optimizer.py: optimizer_probe REQUEST.json reads named weights and per-step gradients,
// takes the steps, and writes the weights after each of them and the moments at the end.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/optim/optimizer.h"
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
  return {request.at("name") == "lamb" ? OptimizerName::lamb : OptimizerName::adamw,
          request.at("beta1"), request.at("beta2"), request.at("epsilon"),
          request.at("weight_decay")};
}

void answer(const Json& request) {
  const at::NoGradGuard no_gradient;
  const SafetensorsFile weights(request.at("weights").get<std::string>());
  const SafetensorsFile gradients(request.at("gradients").get<std::string>());
  ParameterSpace space(specs_of(weights), Precision::fp32, at::kCPU);
  const auto& parameters = space.parameters();
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    space.master_view(static_cast<int>(p)).copy_(weights.read(parameters[p].name));
  }
  const auto optimizer = make_optimizer(options_of(request), space, {0, space.size()}, {});
  std::vector<NamedTensor> outputs;
  const auto& steps = request.at("steps");  // [learning rate, gradient scale] of each
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const auto name = std::to_string(i) + " " + parameters[p].name;
      space.gradient_view(static_cast<int>(p)).copy_(gradients.read(name));
    }
    optimizer->step(static_cast<std::int64_t>(i) + 1, steps[i][0], steps[i][1]);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      outputs.push_back({std::to_string(i) + " " + parameters[p].name,
                         space.master_view(static_cast<int>(p)).clone()});
    }
  }
  for (const auto& slice : moment_slices(space, *optimizer)) {
    outputs.push_back({slice.moment + " " + slice.parameter, slice.values});
  }
  write_safetensors(request.at("output").get<std::string>(), outputs, {});
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
