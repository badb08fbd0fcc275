// `bertha plan`: memory, step time, scaling, time and cost of a run on other numbers of ranks.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/shards/corpus_manifest.h"
#include "launch/commands/commands.h"
#include "launch/memory_plan.h"
#include "launch/model_setup.h"
#include "launch/runtime.h"
#include "parallel/base/error.h"
#include "parallel/base/progress.h"
#include "parallel/nccl_communicator.h"
#include "trainer/step_probe.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

const RunConfig& checked(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto require = [](bool holds, const char* message, const char* remedy) {
    if (!holds) throw Error(ErrorKind::usage, message, remedy);
  };
  const auto& train = config.trainer.train;
  const auto& plan = config.plan;
  require(mpi.rank_info().world_size == 1, "plan runs in one process", "start it without mpirun");
  require(train.global_batch > 0 && train.micro_batch_tokens > 0 && train.steps >= 0,
          "train.global_batch and train.micro_batch_tokens must be positive", "");
  require(config.data.sequence_length >= 8, "data.sequence_length must be at least 8", "");
  require(plan.ranks_per_node > 0 && plan.in_node_bytes_per_second > 0 &&
              plan.between_nodes_bytes_per_second > 0 && plan.latency_seconds >= 0 &&
              plan.tokens_per_second >= 0 && plan.optimizer_seconds >= 0 &&
              plan.memory_bytes >= 0 && plan.measure_seconds > 0 && plan.cost_per_rank_hour >= 0,
          "the numbers of [plan] must be positive", "see bertha plan --help");
  return config;
}

std::vector<int> rank_counts(const std::string& text) {
  std::vector<int> counts;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    std::size_t used = 0;
    int count = 0;
    try {
      count = std::stoi(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (count < 1 || count > 1'000'000 || part.find_first_not_of(' ', used) != std::string::npos) {
      throw Error(ErrorKind::usage, fmt::format("plan.ranks: '{}' is no number of ranks", part),
                  "--plan.ranks 1,8,64,256");
    }
    counts.push_back(count);
  }
  if (counts.empty()) throw Error(ErrorKind::usage, "plan.ranks is empty", "--plan.ranks 1,8,64");
  return counts;
}

struct Plan {
  PlanQuestion question;
  double memory_bytes = 0;
  int measured_steps = 0;  // 0: the speed was given
  std::int64_t steps = 0;
  double cost_per_rank_hour = 0;
  std::vector<int> ranks;
};

PlanQuestion question_of(const RunConfig& config) {
  std::int32_t vocabulary = 0;
  if (!config.data.corpus.empty()) {
    vocabulary = CorpusManifest::from_folder(config.data.corpus).vocabulary_size;
  }
  PlanQuestion question;
  const auto& plan = config.plan;
  const auto model = resolve_model(config, vocabulary);
  const auto head = config.data.next_sentence ? Head::pretraining : Head::masked_lm;
  question.model = plan_model(config, model, count_parameters(model, head, 0));
  question.batch = plan_batch(config);
  question.speed = {plan.tokens_per_second, plan.optimizer_seconds};
  question.sharded = config.trainer.parallel.shard_optimizer;
  const bool half = config.trainer.parallel.reduce_precision != GradientReducer::Precision::fp32;
  const bool over_nccl =
      question.model.on_gpu && config.trainer.parallel.backend != Backend::mpi && nccl_available();
  question.network = {static_cast<int>(plan.ranks_per_node),
                      plan.in_node_bytes_per_second,
                      plan.between_nodes_bytes_per_second,
                      plan.latency_seconds,
                      bucket_bytes(config.trainer.parallel, over_nccl),
                      half ? 2 : 4};
  return question;
}

Plan make_plan(const RunConfig& config, const MpiEnvironment& mpi) {
  Plan plan{
      question_of(config),        config.plan.memory_bytes,       0,
      config.trainer.train.steps, config.plan.cost_per_rank_hour, rank_counts(config.plan.ranks)};
  if (plan.memory_bytes == 0) plan.memory_bytes = machine_memory_bytes();
  auto& question = plan.question;
  if (question.speed.tokens_per_second > 0) return plan;
  Runtime runtime(config, mpi);
  StepProbe probe;
  probe.config = question.model.config;
  probe.next_sentence = config.data.next_sentence;
  probe.precision = question.model.precision;
  probe.device = runtime.device();
  probe.optimizer = config.trainer.optimizer;
  probe.sequence_length = config.data.sequence_length;
  // No more than a rank's share, and little enough to be over soon.
  probe.tokens = std::min<std::int64_t>(question.batch.micro_batch_tokens, 4096);
  probe.predictions_per_token = question.batch.predictions_per_token;
  probe.seconds = config.plan.measure_seconds;
  const auto measured = measure_step(probe, runtime.communicator());
  question.speed = measured.speed;
  plan.measured_steps = measured.steps;
  return plan;
}

Json row_of(const Plan& plan, int ranks, bool sharded) {
  auto question = plan.question;
  question.sharded = sharded;
  const auto memory = plan_memory(question.model, question.batch, ranks, sharded);
  const auto step = plan_step(question, ranks), alone = plan_step(question, 1);
  const double hours = step.total() * static_cast<double>(plan.steps) / 3600;
  const auto tokens =
      static_cast<double>(question.batch.global_batch) * question.batch.tokens_per_sequence;
  return {{"ranks", ranks},
          {"shard_optimizer", sharded},
          {"memory_bytes",
           {{"weights", memory.weights},
            {"gradients", memory.gradients},
            {"moments", memory.moments},
            {"activations", memory.activations},
            {"communication", memory.communication},
            {"saving", memory.saving},
            {"libraries", memory.libraries},
            {"program", memory.program},
            {"total", memory.total()}}},
          {"fits", memory.total() <= plan.memory_bytes},
          {"micro_batch_tokens_that_fit", fitting_micro_batch(question, ranks, plan.memory_bytes)},
          {"micro_batches_per_step", step.micro_batches},
          {"step_seconds", step.total()},
          {"compute_seconds", step.compute},
          {"optimizer_seconds", step.optimizer},
          {"exposed_communication_seconds", step.exposed_communication},
          {"tokens_per_second", tokens / step.total()},
          {"scaling_efficiency", alone.total() / (step.total() * ranks)},
          {"hours_to_finish", hours},
          {"cost", hours * ranks * plan.cost_per_rank_hour}};
}

Json json_of(const Plan& plan) {
  const auto& question = plan.question;
  Json json{{"parameters", question.model.parameters},
            {"tokens_per_second_of_one_device", question.speed.tokens_per_second},
            {"optimizer_seconds_of_one_device", question.speed.optimizer_seconds},
            {"source", plan.measured_steps > 0 ? "measured on this machine" : "given"},
            {"measured_steps", plan.measured_steps},
            {"memory_bytes_of_a_rank", plan.memory_bytes},
            {"steps", plan.steps}};
  for (const int ranks : plan.ranks) {
    for (const bool sharded : {false, true}) {
      if (ranks > 1 || !sharded) json["modelled"].push_back(row_of(plan, ranks, sharded));
    }
  }
  return json;
}

void print_plan(const Plan& plan, const Json& json) {
  const auto& question = plan.question;
  std::cout << fmt::format(
      "{} parameters; one device: {} tokens/s, {:.3f} s per update ({})\n"
      "all that follows is modelled, not measured: rings over {} GB/s in a node of {}, {} GB/s\n"
      "between nodes; no stragglers, no waiting for data\n\n",
      human_count(static_cast<double>(question.model.parameters)),
      human_count(question.speed.tokens_per_second), question.speed.optimizer_seconds,
      json["source"].get<std::string>(), question.network.in_node_bytes_per_second / 1e9,
      question.network.ranks_per_node, question.network.between_nodes_bytes_per_second / 1e9);
  std::cout << fmt::format("{:>6} {:>7} {:>10} {:>8} {:>12} {:>10} {:>9} {:>10} {:>10} {:>10}\n",
                           "ranks", "sharded", "memory", "fits", "micro-batch", "step s", "scaling",
                           "tokens/s", "hours", "cost");
  for (const auto& row : json["modelled"]) {
    std::cout << fmt::format(
        "{:>6} {:>7} {:>10} {:>8} {:>12} {:>10.3f} {:>8.1f}% {:>10} {:>10.1f} {:>10.2f}\n",
        row["ranks"].get<int>(), row["shard_optimizer"].get<bool>() ? "yes" : "no",
        human_bytes(row["memory_bytes"]["total"]), row["fits"].get<bool>() ? "yes" : "no",
        row["micro_batch_tokens_that_fit"].get<std::int64_t>(), row["step_seconds"].get<double>(),
        100 * row["scaling_efficiency"].get<double>(),
        human_count(row["tokens_per_second"].get<double>()), row["hours_to_finish"].get<double>(),
        row["cost"].get<double>());
  }
  const auto& memory = json["modelled"].front()["memory_bytes"];
  const auto part = [&](const char* name) { return human_bytes(memory[name].get<double>()); };
  std::cout << fmt::format(
      "\nmemory of one rank, unsharded: weights {}, gradients {}, moments {}, activations {} "
      "({} tokens),\ncommunication {}, copy while saving {}, kept by libraries {}, program {}\n",
      part("weights"), part("gradients"), part("moments"), part("activations"),
      question.batch.micro_batch_tokens, part("communication"), part("saving"), part("libraries"),
      part("program"));
  if (plan.steps == 0) std::cout << "no train.steps: no time to finish\n";
  std::cout << std::flush;
}

}  // namespace

int run_plan(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto plan = make_plan(checked(config, mpi), mpi);
  const auto json = json_of(plan);
  if (config.json) {
    std::cout << json.dump(2) << std::endl;
  } else {
    print_plan(plan, json);
  }
  return 0;
}

}  // namespace bertha
