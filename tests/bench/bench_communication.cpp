// What the ranks' communication costs a training step: under mpirun, steps take turns between
//   silent            collectives that return at once: a step without communication
//   4 MB              buckets of the default size over MPI, that travel during backward
//   1, 25 MB          others
//   one bucket        everything after backward: no overlap
//   bf16              4 MB, half the bytes
//   silent, sharded   without communication, each rank updating its part of the weights
//   sharded           4 MB; the weights travel during the next step's forward pass, which waits
//                     for them piece by piece
//   sharded, at once  the same, but all weights are waited for at the end of the step
// on made-up tokens; `batch` sequences in `micro_batches` parts are shared out among the ranks.
//   mpirun -n 2 bench_communication size=mini batch=64 length=128 micro_batches=4 rounds=5
//   threads=1
// Rank 0 prints JSON: of each kind the seconds of every round, and medians of what it adds to its
// silent kind; the last round's buckets: [MB, milliseconds from the end of backward when it went
// out, and when it was seen to have arrived]; and the pieces of weights that the step before sent:
// the same in milliseconds from the beginning of the step.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "parallel/base/error.h"
#include "parallel/mpi_communicator.h"
#include "parallel/mpi_environment.h"
#include "tests/bench/made_up_batch.h"
#include "tests/bench/timeline_communicator.h"
#include "trainer/kernels/kernels.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha {
namespace {

using Options = std::map<std::string, std::string>;

Options read_options(int argc, char** argv) {
  Options options{{"size", "mini"},       {"batch", "64"}, {"length", "128"}, {"precision", "fp32"},
                  {"micro_batches", "4"}, {"rounds", "5"}, {"threads", "1"}};
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

class DoneWork final : public Work {
 public:
  void wait() override {}
};

// Everyone else is taken to have what this rank has.
class SilentCommunicator final : public Communicator {
 public:
  explicit SilentCommunicator(const RankInfo& rank) : rank_(rank) {}
  const RankInfo& rank_info() const override { return rank_; }
  std::unique_ptr<Work> all_reduce(at::Tensor, ReduceOp) override { return done(); }
  std::unique_ptr<Work> reduce_scatter(at::Tensor, std::span<const std::int64_t>) override {
    return done();
  }
  std::unique_ptr<Work> all_gather(at::Tensor, std::span<const std::int64_t>) override {
    return done();
  }
  std::unique_ptr<Work> all_to_all(at::Tensor, at::Tensor) override { return done(); }
  void broadcast(at::Tensor, int) override {}
  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    return std::vector(static_cast<std::size_t>(rank_.world_size), std::string(bytes));
  }
  void abort(int exit_code) noexcept override { abort_job(exit_code); }

 private:
  static std::unique_ptr<Work> done() { return std::make_unique<DoneWork>(); }
  RankInfo rank_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Kind {
  std::string name, silent;  // silent: the kind it is compared with
  bool sharded, at_once;
  std::function<std::unique_ptr<TrainStep>()> make_step;  // one at a time waits for its weights
  std::vector<double> seconds, after_backward;  // of whole steps; of the wait behind backward
  std::vector<std::string> buckets, weights;    // of the last round
};

using Clock = TimelineCommunicator::Clock;
std::vector<std::string> transfers_of(const TimelineCommunicator& timeline, bool weights,
                                      Clock::time_point step_began) {
  const auto zero = weights ? step_began : timeline.first_wait();
  const auto from_zero = [&](Clock::time_point time) {
    return std::chrono::duration<double, std::milli>(time - zero).count();
  };
  std::vector<std::string> lines;
  for (const auto& transfer : timeline.transfers()) {
    const bool is_weights = transfer.what == TimelineCommunicator::What::all_gather;
    if (is_weights != weights || (transfer.begin < step_began) != weights) continue;
    lines.push_back(fmt::format("[{:.1f}, {:.1f}, {:.1f}]", transfer.megabytes,
                                from_zero(transfer.begin), from_zero(transfer.end)));
  }
  return lines;
}

struct Optimizers {
  Optimizer &whole, &part;  // of all weights, and of this rank's
};
std::vector<Kind> make_kinds(const TrainStepParts& parts, Communicator& silent,
                             const Optimizers& optimizers, TrainStepOptions options) {
  constexpr std::int64_t megabyte = 1'000'000;
  std::vector<Kind> kinds;
  const auto add = [&](const char* name, Communicator& communicator, const TrainStepOptions& with,
                       bool at_once = false) {
    const bool sharded = with.sharding != Sharding::none;
    auto& optimizer = sharded ? optimizers.part : optimizers.whole;
    const TrainStepParts own{communicator, parts.task, optimizer, parts.loss_scaler,
                             parts.watchdog};
    kinds.push_back({name,
                     sharded ? "silent, sharded" : "silent",
                     sharded,
                     at_once,
                     [own, with] { return std::make_unique<TrainStep>(own, with); },
                     {},
                     {},
                     {},
                     {}});
  };
  const auto with_buckets = [&](std::int64_t bytes) {
    auto with = options;
    with.bucket_bytes = bytes;
    return with;
  };
  options.bucket_bytes = 4 * megabyte;
  add("silent", silent, options);
  add("4 MB", parts.communicator, options);
  add("1 MB", parts.communicator, with_buckets(megabyte));
  add("25 MB", parts.communicator, with_buckets(25 * megabyte));
  add("one bucket", parts.communicator, with_buckets(std::int64_t{1} << 40));
  auto half = options;
  half.reduce_precision = GradientReducer::Precision::bf16;
  add("bf16", parts.communicator, half);
  options.sharding = Sharding::even;
  add("silent, sharded", silent, options);
  add("sharded", parts.communicator, options);
  add("sharded, at once", parts.communicator, options, true);
  return kinds;
}

std::vector<Batch> my_batches(const Options& options, const BertConfig& config,
                              const RankInfo& rank) {
  const auto parts = std::stoll(options.at("micro_batches"));
  if (parts % rank.world_size != 0) {
    throw Error(ErrorKind::usage, "micro_batches must be a multiple of the ranks");
  }
  return std::vector(
      static_cast<std::size_t>(parts / rank.world_size),
      make_batch(config, std::stoll(options.at("batch")) / parts, options.at("length")));
}

void print(const std::vector<Kind>& kinds, const Options& options, const RankInfo& rank,
           std::int64_t gradient_bytes) {
  std::string text;
  for (const auto& kind : kinds) {
    const auto& silent = *std::find_if(
        kinds.begin(), kinds.end(), [&](const Kind& other) { return other.name == kind.silent; });
    std::vector<double> added;
    for (std::size_t i = 0; i < kind.seconds.size(); ++i) {
      added.push_back(kind.seconds[i] - silent.seconds[i]);
    }
    text += fmt::format(
        ", \"{}\": {{\"seconds\": {:.5f}, \"added\": {:.5f}, \"after_backward\": {:.5f}, "
        "\"rounds\": [{:.4f}], \"buckets\": [{}], \"weights\": [{}]}}",
        kind.name, median(kind.seconds), median(added), median(kind.after_backward),
        fmt::join(kind.seconds, ", "), fmt::join(kind.buckets, ", "),
        fmt::join(kind.weights, ", "));
  }
  fmt::print(
      "{{\"ranks\": {}, \"threads\": {}, \"size\": \"{}\", \"precision\": \"{}\", \"batch\": {}, "
      "\"length\": {}, \"gradient_mb\": {:.1f}{}}}\n",
      rank.world_size, options.at("threads"), options.at("size"), options.at("precision"),
      options.at("batch"), options.at("length"), static_cast<double>(gradient_bytes) / 1e6, text);
}

void run(const Options& options, Communicator& communicator) {
  const auto& rank = communicator.rank_info();
  at::set_num_threads(std::stoi(options.at("threads")));
  set_kernel_threads(std::stoi(options.at("threads")));
  const auto precision = options.at("precision") == "bf16" ? Precision::bf16 : Precision::fp32;
  const auto config = bert_preset(options.at("size"));
  PretrainingTask task(config, true, precision, at::kCPU);
  task.parameters().initialize(config.initializer_range, 1);
  auto& space = task.parameters();
  const auto whole = make_optimizer({}, space, {0, space.size()}, {});
  const auto part = make_optimizer({}, space, owned_range(space, rank, Sharding::even), {});
  LossScaler scaler(false);
  Watchdog watchdog(std::chrono::seconds(0));
  SilentCommunicator silent(rank);
  TrainStepOptions step_options;
  step_options.schedule = {.name = ScheduleName::constant, .peak = 1e-4};
  step_options.precision = precision;
  TimelineCommunicator timeline(communicator);
  auto kinds =
      make_kinds({timeline, task, *whole, scaler, watchdog}, silent, {*whole, *part}, step_options);
  const auto batches = my_batches(options, config, rank);

  const int rounds = std::stoi(options.at("rounds"));
  for (int round = -1; round < rounds; ++round) {  // the first warms up
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      auto& kind = kinds[(i + static_cast<std::size_t>(round + 1)) % kinds.size()];
      timeline.clear();
      const auto step = kind.make_step();
      if (kind.sharded && !kind.at_once) step->run(batches, 0);  // sends weights
      timeline.begin_step();
      communicator.gather_bytes("");
      const auto begin = Clock::now();
      const auto report = step->run(batches, 0);
      if (kind.at_once) space.await_weights(space.size());
      communicator.gather_bytes("");
      const std::chrono::duration<double> took = Clock::now() - begin;
      space.await_weights(space.size());
      if (round < 0) continue;
      kind.seconds.push_back(took.count());
      kind.after_backward.push_back(report.phases.reduce);
      kind.buckets = transfers_of(timeline, false, begin);
      kind.weights = transfers_of(timeline, true, begin);
    }
  }
  if (rank.is_root()) print(kinds, options, rank, task.parameters().gradient().nbytes());
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    const bertha::MpiEnvironment mpi;
    const auto communicator = bertha::make_mpi_communicator(mpi.rank_info());
    bertha::run(bertha::read_options(argc, argv), *communicator);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_communication: %s\n", error.what());
    bertha::abort_job(1);
  }
}
