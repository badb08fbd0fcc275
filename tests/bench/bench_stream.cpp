// A large corpus, and two waits of a training run: for the first batch in the middle of an epoch,
// and, once it runs, for every next one.
//   bench_stream write MILLIONS FOLDER   a synthetic corpus of so many million tokens, to seek in
//   bench_stream seek FOLDER WORKERS     opens a corpus at the middle of epoch 7
//   bench_stream pass FOLDER [MILLIONS]  one worker's batches of a large corpus, whose pages no
//   sample
//     has touched yet: of the first hundred steps, then of so many million tokens (100)
//   bench_stream wait RANKS TOKENS_PER_SECOND WORKERS [CORPUS]   streams of so many ranks, each in
//     a thread that takes its steps at that rate and sleeps between (a GPU would compute); epoch 1
//     begins half-way.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/training_data.h"
#include "tests/bench/synthetic_corpus.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kEpoch = 7;
constexpr double kMillion = 1e6;
constexpr int kUsage = 64;  // exit code

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Memory of this process that is not of files, in MB.
double own_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "RssAnon:") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1000;
  }
  return 0;
}

void seek_at(const DataConfig& data) {
  auto begin = Clock::now();
  const TrainingData corpus(data, "train");
  const auto opening = since(begin);
  BatchOptions options;
  options.prefetch = 0;
  options.micro_batch_tokens = 16384;
  const auto samples = corpus.stream(options, {}, {kEpoch, 0, 0})->samples_in_epoch(kEpoch);
  ::malloc_trim(0);  // of that stream nothing is left
  const double before = own_megabytes();
  begin = Clock::now();
  const auto processor_begin = std::clock();
  const auto stream = corpus.stream(options, {}, {kEpoch, samples / 2, 0});
  const auto indexing = since(begin);
  const double index_megabytes = own_megabytes() - before;
  const auto step = stream->next();
  const auto first = since(begin);
  const auto processor = static_cast<double>(std::clock() - processor_begin) / CLOCKS_PER_SEC;
  constexpr int kSteps = 100;
  std::uint64_t tokens = 0;
  begin = Clock::now();
  for (int i = 0; i < kSteps; ++i) {
    for (const auto& batch : stream->next().micro_batches) tokens += batch.tokens.size();
  }
  std::printf(
      "length %d, %d worker(s): corpus opened in %.3f s; first batch of epoch %u behind sample "
      "%llu "
      "of %llu: %.3f s (%.3f s of processors; index %.3f s, %.0f MB); then %.1f M tokens/s\n",
      data.sequence_length, data.workers, opening, kEpoch,
      static_cast<unsigned long long>(samples / 2), static_cast<unsigned long long>(samples), first,
      processor, indexing, index_megabytes, static_cast<double>(tokens) / since(begin) / kMillion);
}

// Tokens a second of this process' time on processors, in millions; and of the clock.
void measure_pass(const DataConfig& data, std::uint64_t tokens_wanted) {
  const TrainingData corpus(data, "train");
  BatchOptions options;
  options.prefetch = 0;
  options.micro_batch_tokens = 16384;
  const auto stream = corpus.stream(options, {}, {kEpoch, 0, 0});
  const auto speeds = [&](std::uint64_t steps, std::uint64_t most_tokens) {
    const auto begin = Clock::now();
    const auto processor_begin = std::clock();
    std::uint64_t tokens = 0;
    for (std::uint64_t step = 0; step < steps && tokens < most_tokens; ++step) {
      for (const auto& batch : stream->next().micro_batches) tokens += batch.tokens.size();
    }
    const auto processor = static_cast<double>(std::clock() - processor_begin) / CLOCKS_PER_SEC;
    const auto millions = static_cast<double>(tokens) / kMillion;
    return std::pair(millions / processor, millions / since(begin));
  };
  const auto [first, first_by_clock] = speeds(100, UINT64_MAX);
  const auto [rest, rest_by_clock] = speeds(UINT64_MAX, tokens_wanted);
  std::printf(
      "pass%d   %8.1f M tokens/s of a core (%.1f by the clock), in the first 100 steps %.1f "
      "(%.1f)\n",
      data.sequence_length, rest, rest_by_clock, first, first_by_clock);
}

int pass(int count, char** arguments) {
  if (count < 3) return kUsage;
  DataConfig data;
  data.corpus = arguments[2];
  const auto millions = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 100;
  for (const int length : {128, 512}) {
    data.sequence_length = length;
    measure_pass(data, millions * 1'000'000);
  }
  return 0;
}

int write(int count, char** arguments) {
  if (count != 4) return kUsage;
  const auto millions = std::strtoull(arguments[2], nullptr, 10);
  const auto begin = Clock::now();
  write_synthetic_corpus(arguments[3], millions * 1'000'000);
  std::printf("%llu M tokens written in %.0f s\n", millions, since(begin));
  return 0;
}

int seek(int count, char** arguments) {
  if (count != 4) return kUsage;
  DataConfig data;
  data.corpus = arguments[2];
  data.workers = std::atoi(arguments[3]);
  for (const int length : {512, 128}) {
    data.sequence_length = length;
    seek_at(data);
  }
  return 0;
}

struct Waits {
  double first = 0, rest = 0, total = 0;  // seconds; `total` without the first
  std::uint64_t tokens = 0;
  std::uint32_t epoch = 0;  // in the end
};

constexpr double kSeconds = 20;  // of consuming

BatchOptions options_of_wait() {
  BatchOptions options;
  options.global_batch = 4096;
  options.micro_batch_tokens = 16384;
  return options;
}

// Where ranks that take so many tokens a second together reach the border of an epoch half-way.
StreamCursor before_border(const TrainingData& corpus, double tokens_per_second) {
  auto options = options_of_wait();
  options.prefetch = 0;
  const auto stream = corpus.stream(options, {}, {});
  std::uint64_t tokens = 0;
  for (const auto& batch : stream->next().micro_batches) tokens += batch.tokens.size();
  const auto of_sample = static_cast<double>(tokens) / static_cast<double>(options.global_batch);
  const auto wanted = static_cast<std::uint64_t>(tokens_per_second * kSeconds / 2 / of_sample);
  const auto samples = stream->samples_in_epoch(0);
  return {0, samples - std::min(samples, wanted), 0};
}

Waits consume(const TrainingData& corpus, const RankInfo& rank, double tokens_per_second,
              const StreamCursor& start) {
  const auto stream = corpus.stream(options_of_wait(), rank, start);
  Waits waits;
  auto begin = Clock::now();
  for (bool is_first = true; is_first || since(begin) < kSeconds; is_first = false) {
    const auto step = stream->next();
    if (is_first) begin = Clock::now();
    (is_first ? waits.first : waits.rest) += step.wait_seconds;
    std::uint64_t tokens = 0;
    for (const auto& batch : step.micro_batches) tokens += batch.tokens.size();
    waits.tokens += tokens;
    waits.epoch = step.after.epoch;
    std::this_thread::sleep_for(
        std::chrono::duration<double>(static_cast<double>(tokens) / tokens_per_second));
  }
  waits.total = since(begin);
  return waits;
}

int wait(int count, char** arguments) {
  const int ranks = count > 2 ? std::atoi(arguments[2]) : 1;
  const double rate = count > 3 ? std::atof(arguments[3]) : 0.8e6;
  const ScratchFolder scratch(fs::temp_directory_path());
  DataConfig data;
  data.workers = count > 4 ? std::atoi(arguments[4]) : 1;
  data.corpus = count > 5 ? arguments[5] : scratch.path;
  data.sequence_length = 512;
  if (count <= 5) write_synthetic_corpus(data.corpus, 200'000'000);
  const TrainingData corpus(data, "train");
  const auto start = before_border(corpus, rate * ranks);
  std::vector<Waits> waits(static_cast<std::size_t>(ranks));
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        waits[static_cast<std::size_t>(rank)] = consume(corpus, {rank, ranks, 0, 1}, rate, start);
      });
    }
  }
  double worst = 0, tokens_per_second = 0;
  for (const auto& of_rank : waits) {
    worst = std::max(worst, of_rank.rest / of_rank.total);
    tokens_per_second += static_cast<double>(of_rank.tokens) / of_rank.total;
  }
  std::printf(
      "%d rank(s) of %d worker(s), together %.2f M tokens/s: data_wait_fraction at most %.3f %% "
      "(the first batch: %.3f s); ends in epoch %u\n",
      ranks, data.workers, tokens_per_second / kMillion, 100 * worst, waits.front().first,
      waits.front().epoch);
  return 0;
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  if (what == "write") return bertha::write(count, arguments);
  if (what == "seek") return bertha::seek(count, arguments);
  if (what == "pass") return bertha::pass(count, arguments);
  if (what == "wait") return bertha::wait(count, arguments);
  std::fprintf(stderr, "write, seek, pass or wait? See the first lines of bench_stream.cpp.\n");
  return bertha::kUsage;
}
