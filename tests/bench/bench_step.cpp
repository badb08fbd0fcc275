// Times whole training steps (forward, backward, clipping, AdamW) of Bertha on made-up tokens.
//   bench_step size=tiny batch=64 length=128 precision=fp32 implementation=fused steps=10 threads=2
// `length` is one number, or shortest-longest for lengths spread evenly between them, or mlperf for
// Wikipedia's (made_up_batch.h). Prints JSON.
// profile=FILE also runs three steps under the profiler: a table of kernels goes to FILE, their
// trace to FILE.json.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "tests/bench/kernel_profile.h"
#include "tests/bench/made_up_batch.h"
#include "tests/support/thread_communicator.h"
#include "trainer/peak_flops.h"
#include "trainer/tasks/flops.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha {
namespace {

using Options = std::map<std::string, std::string>;
constexpr int kProfiledSteps = 3;

Options read_options(int argc, char** argv) {
  Options options{
      {"size", "tiny"},           {"batch", "64"}, {"length", "128"}, {"precision", "fp32"},
      {"implementation", "auto"}, {"steps", "10"}, {"threads", "2"},  {"warmup", "2"},
      {"device", "cpu"},          {"profile", ""}};
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

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Of the process, or of what LibTorch's allocator took on a GPU.
double peak_memory_mb(at::Device device) {
  if (!device.is_cpu()) {
    const auto statistics = at::getDeviceAllocator(device.type())->getDeviceStats(0);
    return static_cast<double>(statistics.allocated_bytes[0].peak) / 1024 / 1024;
  }
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
  const at::Device device(options.at("device"));  // cpu or cuda
  PretrainingTask task(config, true, precision, device);
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
    report = step.run(batches, i);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i < warmup) continue;
    seconds.push_back(took.count());
    forward.push_back(report.phases.forward);
    backward.push_back(report.phases.backward);
    optimize.push_back(report.phases.optimizer);
  }
  const double tokens = static_cast<double>(batches[0].token_count());
  // Of one micro-batch, as report.flops here.
  const bool skips = config.implementation != Implementation::reference &&
                     (device.is_cpu() || precision == Precision::bf16);
  const double skipped = skips ? skipped_flops(config, batches[0], true) : 0;
  const double memory_mb = peak_memory_mb(device);
  const double peak = measure_peak_flops(precision, device);
  if (const auto& file = options.at("profile"); !file.empty()) {
    const auto profiled = [&] {
      for (int i = 0; i < kProfiledSteps; ++i) step.run(batches, warmup + steps + i);
    };
    std::ofstream(file) << profile_kernels(device, kProfiledSteps, profiled, file + ".json");
  }
  fmt::print(
      "{{\"who\": \"bertha {}\", \"tokens\": {}, \"seconds\": {:.5f}, "
      "\"tokens_per_second\": {:.1f}, \"forward\": {:.5f}, \"backward\": {:.5f}, "
      "\"optimizer\": {:.5f}, \"gflops\": {:.1f}, \"executed_gflops\": {:.1f}, "
      "\"peak_gflops\": {:.1f}, "
      "\"memory_mb\": {:.0f}, \"loss\": {:.4f}}}\n",
      options.at("implementation"), tokens, median(seconds), tokens / median(seconds),
      median(forward), median(backward), median(optimize), report.flops / median(seconds) / 1e9,
      (report.flops - skipped) / median(seconds) / 1e9, peak / 1e9, memory_mb,
      report.scores.front().second);
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
