// Times whole training steps (forward, backward, clipping, AdamW) of Bertha on made-up tokens.
//   bench_step size=tiny batch=64 length=128 precision=fp32 implementation=fused steps=10 threads=2
// `length` is one number, or shortest-longest for lengths spread evenly between them. Prints JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"
#include "trainer/peak_flops.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha {
namespace {

using Options = std::map<std::string, std::string>;

Options read_options(int argc, char** argv) {
  Options options{
      {"size", "tiny"},           {"batch", "64"}, {"length", "128"}, {"precision", "fp32"},
      {"implementation", "auto"}, {"steps", "10"}, {"threads", "2"},  {"warmup", "2"}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    if (!options.contains(argument.substr(0, equals)) || equals == std::string::npos) {
      throw Error(ErrorKind::usage, "what is " + argument + "?");
    }
    options[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return options;
}

// Every 20 tokens, the 3rd, 9th and 15th are predicted: 15 %. peer_step.py does the same.
Batch make_batch(const BertConfig& config, std::int64_t sequences, const std::string& length) {
  const auto dash = length.find('-');
  const int shortest = std::stoi(length);
  const int longest = dash == std::string::npos ? shortest : std::stoi(length.substr(dash + 1));
  Batch batch;
  batch.sequence_offsets.push_back(0);
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto spread = (longest - shortest) * s / std::max<std::int64_t>(1, sequences - 1);
    const int tokens = shortest + static_cast<int>(spread);
    for (int i = 0; i < tokens; ++i) {
      const auto id = (s * 7919 + i * 104729) % (config.vocabulary_size - 1000) + 999;
      if (i % 20 == 3 || i % 20 == 9 || i % 20 == 15) {
        batch.masked_positions.push_back(static_cast<std::int32_t>(batch.tokens.size()));
        batch.masked_labels.push_back(static_cast<std::int32_t>(id));
      }
      batch.tokens.push_back(static_cast<std::int32_t>(id));
      batch.segments.push_back(2 * i >= tokens ? 1 : 0);
      batch.positions.push_back(i);
    }
    batch.sequence_offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.next_sentence.push_back(static_cast<std::int32_t>(s % 2));
    batch.sample_numbers.push_back(static_cast<std::uint64_t>(s));
  }
  return batch;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Implementation implementation_of(const std::string& name) {
  if (name == "reference") return Implementation::reference;
  return name == "fused" ? Implementation::fused : Implementation::automatic;
}

void run(const Options& options, Communicator& communicator) {
  at::set_num_threads(std::stoi(options.at("threads")));
  const auto precision = options.at("precision") == "bf16" ? Precision::bf16 : Precision::fp32;
  auto config = bert_preset(options.at("size"));
  config.implementation = implementation_of(options.at("implementation"));
  PretrainingTask task(config, true, precision, at::kCPU);
  task.parameters().initialize(config.initializer_range, 1);
  const auto optimizer = make_optimizer({}, task.parameters(), {0, task.parameters().size()}, {});
  LossScaler scaler(false);
  Watchdog watchdog(std::chrono::seconds(0));
  TrainStepOptions step_options;
  step_options.schedule = {.name = ScheduleName::constant, .peak = 1e-4};
  step_options.precision = precision;
  TrainStep step({communicator, task, *optimizer, scaler, watchdog}, step_options);

  const std::vector<Batch> batches{
      make_batch(config, std::stoll(options.at("batch")), options.at("length"))};
  const int warmup = std::stoi(options.at("warmup")), steps = std::stoi(options.at("steps"));
  std::vector<double> seconds, forward, backward, optimize;
  StepReport report;
  for (int i = 0; i < warmup + steps; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    report = step.run(batches, i, false);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i < warmup) continue;
    seconds.push_back(took.count());
    forward.push_back(report.phases.forward);
    backward.push_back(report.phases.backward);
    optimize.push_back(report.phases.optimizer);
  }
  const double tokens = static_cast<double>(batches[0].token_count());
  const double memory_mb = peak_memory_mb();
  const double peak = measure_peak_flops(precision, at::kCPU);
  fmt::print(
      "{{\"who\": \"bertha {}\", \"tokens\": {}, \"seconds\": {:.5f}, "
      "\"tokens_per_second\": {:.1f}, \"forward\": {:.5f}, \"backward\": {:.5f}, "
      "\"optimizer\": {:.5f}, \"gflops\": {:.1f}, \"peak_gflops\": {:.1f}, "
      "\"memory_mb\": {:.0f}, \"loss\": {:.4f}}}\n",
      options.at("implementation"), tokens, median(seconds), tokens / median(seconds),
      median(forward), median(backward), median(optimize), report.flops / median(seconds) / 1e9,
      peak / 1e9, memory_mb, report.scores.front().second);
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    const auto options = bertha::read_options(argc, argv);
    bertha::testing::run_thread_ranks(
        1, [&](bertha::Communicator& communicator) { bertha::run(options, communicator); });
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return 1;
  }
}
