// For test_training.py: training_probe REQUEST.json pretrains from given weights on given
// micro-batches, and writes the loss and gradient norm of every step and the weights at the end.
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "parallel/mpi_communicator.h"
#include "parallel/mpi_environment.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

Batch batch_of(const Json& json) {
  Batch batch;
  json.at("tokens").get_to(batch.tokens);
  json.at("segments").get_to(batch.segments);
  json.at("positions").get_to(batch.positions);
  json.at("sequence_offsets").get_to(batch.sequence_offsets);
  json.at("masked_positions").get_to(batch.masked_positions);
  json.at("masked_labels").get_to(batch.masked_labels);
  json.at("next_sentence").get_to(batch.next_sentence);
  batch.sample_numbers.resize(batch.next_sentence.size());
  return batch;
}

void load_weights(const std::string& path, ParameterSpace& space) {
  const SafetensorsFile file(path);
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    space.master_view(static_cast<int>(i)).copy_(file.read(space.parameters()[i].name));
  }
  space.copy_master_to_compute();
}

BertConfig config_of(const Json& request) {
  auto config = read_bert_config(request.at("config").get<std::string>());
  config.implementation =
      request.at("implementation") == "fused" ? Implementation::fused : Implementation::reference;
  return config;
}

TrainStepOptions options_of(const Json& request, Precision precision) {
  TrainStepOptions options;
  options.schedule = {.name = ScheduleName::linear,
                      .peak = request.at("learning_rate"),
                      .total_steps = static_cast<std::int64_t>(request.at("steps").size()),
                      .warmup_steps = request.at("warmup_steps")};
  options.clip_norm = request.at("clip_norm");
  options.precision = precision;
  return options;
}

void answer(const Json& request, const MpiEnvironment& mpi) {
  const auto precision = request.at("precision") == "bf16" ? Precision::bf16 : Precision::fp32;
  const auto communicator = make_mpi_communicator(mpi.rank_info());
  PretrainingTask task(config_of(request), true, precision, at::kCPU);
  auto& space = task.parameters();
  load_weights(request.at("weights"), space);
  const OptimizerOptions options{
      request.at("optimizer") == "lamb" ? OptimizerName::lamb : OptimizerName::adamw,
      request.at("beta1"), request.at("beta2"), request.at("epsilon"), request.at("weight_decay")};
  const auto optimizer = make_optimizer(options, space, {0, space.size()}, {});
  LossScaler scaler(false);
  Watchdog watchdog(std::chrono::seconds(0));
  TrainStep step({*communicator, task, *optimizer, scaler, watchdog},
                 options_of(request, precision));
  std::vector<double> losses, norms;
  for (const auto& of_step : request.at("steps")) {
    std::vector<Batch> batches;
    for (const auto& json : of_step) batches.push_back(batch_of(json));
    const auto report = step.run(batches, static_cast<std::int64_t>(losses.size()));
    losses.push_back(report.scores.front().second);
    norms.push_back(report.gradient_norm);
  }
  std::vector<NamedTensor> outputs{{"losses", at::tensor(losses, at::kDouble)},
                                   {"gradient_norms", at::tensor(norms, at::kDouble)}};
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    outputs.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i)).clone()});
  }
  write_safetensors(request.at("output").get<std::string>(), outputs, {});
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw bertha::Error(bertha::ErrorKind::usage, "training_probe REQUEST.json");
    const bertha::MpiEnvironment mpi;
    bertha::answer(bertha::Json::parse(bertha::read_file(argv[1])), mpi);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "training_probe: %s\n", error.what());
    return 1;
  }
}
